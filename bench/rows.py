"""The rows: what is asked, of whom, and the goal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import esign_kit as ek
from bench import peers
from bench.measure import Contestant, Row, forget, row
from bench.scene import SIZES, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def _verify_warm(scene: Scene, signed: bytes) -> Contestant:
    trust = ek.TrustStore([scene.root])

    def run() -> None:
        _good(ek.verify(signed, trust=trust, evidence=scene.crls, policy=scene.policy, at=scene.at))

    run()
    return Contestant("warm", run)


_STRANGERS = {"1 KB": 120, "100 KB": 60, "10 MB": 12}
_COLD = "each call meets a country, a signer and lists that it has never seen"


def _verify_cold(scene: Scene, size: str, sign: Callable[[Any], bytes]) -> Contestant:
    """Every call gets a file of a country of its own; nothing about it is remembered."""
    number = _STRANGERS[size]
    waiting = scene.strangers(number, sign)

    def run() -> None:
        signed, root, crls, *_ = next(waiting)
        _good(
            ek.verify(
                signed,
                trust=ek.TrustStore([root]),
                evidence=crls,
                policy=scene.policy,
                at=scene.at,
            )
        )

    return Contestant("cold", run, note=_COLD, most=number)


def _good(report: Any) -> None:
    if report.indication is not ek.Indication.TOTAL_PASSED:
        bad = [(c.name, c.detail) for c in report.checks if c.status in ("FAILED", "INDETERMINATE")]
        raise RuntimeError(f"not passed: {report.sub_indication} {bad}")
    # The full report, not only its first line.
    tuple(report.checks)


def cades(scene: Scene, size: str, folder: Path, seconds: float) -> Iterator[Row]:
    payload = scene.payload(size)

    def sign(key: Any) -> bytes:
        return ek.sign(payload, key, format="cades", packaging="attached", signing_time=scene.at)

    signed = sign(scene.person.key)
    others = peers.cms_verify(scene, signed, folder, size == "10 MB")
    large = size == "10 MB"
    yield row(
        f"CAdES-B verify, chain and CRLs, cold, {size}, {scene.label}",
        scene.cold_floor(payload),
        [_verify_cold(scene, size, sign), *others],
        seconds=seconds,
        goal=1.3 if large else 3.5 if size == "1 KB" else None,
    )
    yield row(
        f"CAdES-B verify, chain and CRLs, warm, {size}, {scene.label}",
        scene.floor(payload),
        [_verify_warm(scene, signed)],
        seconds=seconds,
        goal=1.3 if large else 3 if size == "1 KB" else None,
    )
    import hashlib

    key = scene.person.key

    def sign_floor() -> None:
        hashlib.sha256(payload).digest()
        scene.raw_sign(b"signed attributes" * 8)

    yield row(
        f"CAdES-B sign, detached, {size}, {scene.label}",
        sign_floor,
        [
            Contestant("warm", lambda: ek.sign(payload, key, format="cades", packaging="detached")),
            *peers.cms_sign(scene, payload, folder),
        ],
        seconds=seconds,
        goal=1.3 if scene.kind == "rsa" else None,
    )


def xades(scene: Scene, size: str, folder: Path, seconds: float) -> Iterator[Row]:
    document = scene.xml(size)

    def sign(key: Any) -> bytes:
        return ek.sign(document, key, format="xades", packaging="enveloped", signing_time=scene.at)

    signed = sign(scene.person.key)
    # The others do not know XPath Filter 2, our default; they get the plain enveloped transform.
    plain = ek.sign(
        document,
        scene.person.key,
        format="xades",
        packaging="enveloped",
        signing_time=scene.at,
        transforms="enveloped",
    )
    large = size == "10 MB"
    yield row(
        f"XAdES-B verify, chain and CRLs, cold, {size}, {scene.label}",
        scene.xml_floor(signed, scene.chain_verifies, scene.crl_verifies),
        [_verify_cold(scene, size, sign), *peers.xml_verify(scene, plain)],
        seconds=seconds,
        goal=1.3 if large else 4 if size == "1 KB" else None,
    )
    yield row(
        f"XAdES-B verify, chain and CRLs, warm, {size}, {scene.label}",
        scene.xml_floor(signed),
        [_verify_warm(scene, signed)],
        seconds=seconds,
        goal=1.3 if large else None,
    )
    key = scene.person.key

    def sign_floor() -> None:
        import hashlib

        from lxml import etree

        root = etree.fromstring(document, etree.XMLParser(huge_tree=True))
        hashlib.sha256(etree.tostring(root, method="c14n", exclusive=True)).digest()
        scene.raw_sign(b"signed info" * 30)

    yield row(
        f"XAdES-B sign, enveloped, {size}, {scene.label}",
        sign_floor,
        [
            Contestant(
                "warm", lambda: ek.sign(document, key, format="xades", packaging="enveloped")
            ),
            *peers.xml_sign(scene, document),
        ],
        seconds=seconds,
        goal=1.3 if scene.kind == "rsa" and size == "1 KB" else None,
    )


def path(scene: Scene, seconds: float) -> Row:
    """A path of three certificates with two CRLs, all of it from DER."""
    target = scene.person.certificate.der
    waiting = scene.strangers(120, lambda key: b"")

    def run() -> None:
        _, root, crls, pki, leaf = next(waiting)
        report = ek.validate_certificate(
            leaf,
            trust=ek.TrustStore([root]),
            intermediates=[pki.issuing.certificate.der],
            evidence=crls,
            policy=scene.policy,
            at=scene.at,
        )
        if report.indication is not ek.Indication.TOTAL_PASSED:
            raise RuntimeError(str(report.sub_indication))

    operations = [*scene.chain_verifies, *scene.crl_verifies]

    def floor() -> None:
        for operation in operations:
            operation()

    return row(
        f"path of three, two CRLs, cold, {scene.label}",
        floor,
        [Contestant("cold", run, note=_COLD, most=120), *_path_peers(scene, target)],
        seconds=seconds,
        goal=2.5,
    )


def _path_peers(scene: Scene, target: bytes) -> list[Contestant]:
    if not peers._has("pyhanko_certvalidator"):
        return []
    import asyncio

    from asn1crypto import crl, x509
    from pyhanko_certvalidator import CertificateValidator, ValidationContext

    def run() -> None:
        context = ValidationContext(
            trust_roots=[x509.Certificate.load(scene.root)],
            crls=[crl.CertificateList.load(der) for der in scene.crls],
            allow_fetching=False,
            revocation_mode="require",
        )
        validator = CertificateValidator(
            x509.Certificate.load(target),
            intermediate_certs=[x509.Certificate.load(scene.issuing)],
            validation_context=context,
        )
        asyncio.run(validator.async_validate_usage({"non_repudiation"}))

    return [Contestant("certvalidator", run)]


def hundred_signers(scene: Scene, seconds: float) -> Row:
    """One CMS with 100 signers; the floor is 200 verifications."""
    payload = scene.payload("1 KB")
    signed: bytes | None = None
    for _ in range(100):
        person = scene.pki.person()
        signed = ek.sign(
            payload,
            person.key,
            format="cades",
            packaging="attached",
            existing=signed,
            signing_time=scene.at,
            include_chain=True,
        )
    assert signed is not None
    trust = ek.TrustStore([scene.root])
    policy = scene.policy.with_(limits=scene.policy.limits.with_(signatures=128))

    def run() -> None:
        _good(ek.verify(signed, trust=trust, evidence=scene.crls, policy=policy, at=scene.at))

    operation = scene.signer_verify

    def floor() -> None:
        for _ in range(200):
            operation()

    return row(
        f"one CMS with 100 signers, cold, {scene.label}",
        floor,
        [Contestant("cold", run, before=forget)],
        seconds=seconds,
        goal=3,
    )


def thousand_signers(scene: Scene) -> tuple[Row, float]:
    """A thousand signers under one authority: the cost of one, and the growth over all."""
    import hashlib
    import time

    payload = scene.payload("1 KB")
    files = [
        ek.sign(
            payload,
            scene.pki.person().key,
            format="cades",
            packaging="attached",
            signing_time=scene.at,
        )
        for _ in range(1000)
    ]
    crls = tuple(scene.pki.evidence())
    trust = ek.TrustStore([scene.root])
    floor_times, times = [], []
    verify_one, verify_two = scene.signer_verify, scene.chain_verifies[0]
    forget()
    for file in files:
        started = time.perf_counter()
        hashlib.sha256(payload).digest()
        verify_one()
        verify_two()
        floor_times.append(time.perf_counter() - started)
        started = time.perf_counter()
        _good(ek.verify(file, trust=trust, evidence=crls, policy=scene.policy, at=scene.at))
        times.append(time.perf_counter() - started)
    import statistics

    result = Row(
        f"1000 signers, per signature, {scene.label}",
        statistics.median(floor_times),
        {"cold": statistics.median(times)},
        goal=2.5,
    )
    growth = statistics.median(times[-100:]) / statistics.median(times[1:101])
    return result, growth


__all__ = ["SIZES", "cades", "hundred_signers", "path", "thousand_signers", "xades"]
