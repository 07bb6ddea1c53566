"""What a whole process costs: import, the command, a gigabyte, a large CRL."""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from bench.scene import Scene


def start_up(scene: Scene, folder: Path, rounds: int = 15) -> list[str]:
    """Return lines on import and command start, in milliseconds of wall time."""
    import esign_kit as ek

    signed = folder / "small.p7m"
    signed.write_bytes(
        ek.sign(scene.payload("1 KB"), scene.person.key, format="cades", packaging="attached")
    )
    evidence = []
    for number, crl in enumerate(scene.crls):
        path = folder / f"{number}.crl"
        path.write_bytes(crl)
        evidence += ["--evidence", str(path)]
    esign = os.path.join(os.path.dirname(sys.executable), "esign")
    commands = {
        "empty interpreter": [sys.executable, "-c", "pass"],
        "import esign_kit": [sys.executable, "-c", "import esign_kit"],
        "import, then ek.verify": [sys.executable, "-c", "import esign_kit as e; e.verify"],
        "esign --help": [esign, "--help"],
        "esign verify, small file": [
            esign, "verify", str(signed), "--trust", str(scene.root_pem), *evidence,
        ],
    }  # fmt: skip
    # As an installed package runs: compiled once, by the round that is not counted.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            started = time.perf_counter()
            done = subprocess.run(command, capture_output=True, check=False, env=environment)
            if number:
                times[name].append(time.perf_counter() - started)
            if done.returncode != 0:
                raise RuntimeError(f"{name}: {done.stderr.decode()}{done.stdout.decode()}")
    base = statistics.median(times["empty interpreter"])
    goals = {"import esign_kit": "< 20 ms above", "esign verify, small file": "< 250 ms"}
    lines = ["| process | wall | above an empty interpreter | goal |", "|---|---:|---:|---:|"]
    for name, values in times.items():
        wall = statistics.median(values)
        lines.append(
            f"| {name} | {wall * 1e3:.0f} ms | {(wall - base) * 1e3:.1f} ms "
            f"| {goals.get(name, '')} |"
        )
    return lines


_GIGABYTE = """
import sys, time
import esign_kit as ek
signature, document, root = sys.argv[1:4]
evidence = [open(name, "rb").read() for name in sys.argv[4:]]
started = time.perf_counter()
report = ek.verify(signature, detached=[ek.Document.from_path(document)],
                   trust=ek.TrustStore.from_path(root), evidence=evidence)
taken = time.perf_counter() - started
assert report.indication is ek.Indication.TOTAL_PASSED, report.sub_indication
peak = next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]
print(taken, int(peak) / 1024)
"""


def gigabyte(scene: Scene, folder: Path, size: int = 1_000_000_000) -> list[str]:
    """A detached CAdES signature over a gigabyte: time against SHA-256 of it, and peak memory."""
    import esign_kit as ek

    document = folder / "large.bin"
    with document.open("wb") as stream:
        stream.truncate(size)
    try:
        signature = folder / "large.p7s"
        signature.write_bytes(
            ek.sign(
                ek.Document.from_path(document),
                scene.person.key,
                format="cades",
                packaging="detached",
            )
        )
        evidence = []
        for number, crl in enumerate(scene.crls):
            path = folder / f"{number}.crl"
            path.write_bytes(crl)
            evidence.append(str(path))
        started = time.perf_counter()
        with document.open("rb") as stream:
            hashlib.file_digest(stream, "sha256").digest()
        floor = time.perf_counter() - started
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                _GIGABYTE,
                str(signature),
                str(document),
                str(scene.root_pem),
                *evidence,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        taken, peak = map(float, done.stdout.split())
    finally:
        document.unlink()
    return [
        "| detached CAdES over | SHA-256 of it | verify | multiple | peak memory | goal |",
        "|---|---:|---:|---:|---:|---:|",
        f"| {size / 1e9:g} GB | {floor:.2f} s | {taken:.2f} s | {taken / floor:.2f}× "
        f"| {peak:.0f} MB | < 80 MB |",
    ]


def large_crl(scene: Scene, entries: int = 100_000, rounds: int = 9) -> list[str]:
    """Load a CRL, check its signature, look one serial up: against SHA-256 of it."""
    import esign_kit as ek
    from bench.measure import forget

    der = crl_with(scene, entries)
    root_crl = next(c for c in scene.crls if _is_of_root(scene, c))
    target = scene.person.certificate.der
    small = scene.crls

    def run(evidence: tuple[bytes, ...]) -> float:
        forget()
        started = time.perf_counter()
        report = ek.validate_certificate(
            target,
            trust=ek.TrustStore([scene.root]),
            intermediates=[scene.issuing],
            evidence=evidence,
            at=scene.at,
        )
        taken = time.perf_counter() - started
        if report.indication is not ek.Indication.TOTAL_PASSED:
            raise RuntimeError(f"{report.sub_indication}")
        return taken

    floors, withs, withouts = [], [], []
    for _ in range(rounds):
        started = time.perf_counter()
        hashlib.sha256(der).digest()
        floors.append(time.perf_counter() - started)
        withs.append(run((root_crl, der)))
        withouts.append(run(small))
    floor = statistics.median(floors)
    cost = statistics.median(withs) - statistics.median(withouts)
    return [
        "| CRL | size | SHA-256 of it | load, check, look up | multiple | goal |",
        "|---|---:|---:|---:|---:|---:|",
        f"| {entries} entries | {len(der) / 1e6:.1f} MB | {floor * 1e3:.2f} ms "
        f"| {cost * 1e3:.2f} ms "
        f"| {cost / floor:.2f}× | ≤ 4× |",
    ]


def _is_of_root(scene: Scene, der: bytes) -> bool:
    from cryptography import x509

    return x509.load_der_x509_crl(der).issuer == scene.root_x509.subject


def crl_with(scene: Scene, entries: int) -> bytes:
    """Return a CRL of the issuing authority with that many entries, none of them the signer's."""
    from datetime import timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    key = serialization.load_der_private_key(
        scene.pki.issuing.private_key.pkcs8, None, unsafe_skip_rsa_key_validation=True
    )
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(scene.issuing_x509.subject)
        .last_update(scene.at - timedelta(hours=1))
        .next_update(scene.at + timedelta(days=7))
    )
    base = 1 << 126
    revoked = [
        x509.RevokedCertificateBuilder()
        .serial_number(base + number * 7919)
        .revocation_date(scene.at - timedelta(days=1))
        .build()
        for number in range(entries)
    ]
    for one in revoked:
        builder._revoked_certificates.append(one)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
