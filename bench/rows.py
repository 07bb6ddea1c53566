"""The rows: what is asked, of whom, and the goal."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

import esign_kit as ek
from bench import peers
from bench.measure import Contestant, Row, forget, row, spent
from bench.scene import SIZES, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


def _verify_warm(scene: Scene, signed: bytes) -> Contestant:
    trust = ek.TrustStore([scene.root])

    def run() -> None:
        _good(ek.verify(signed, trust=trust, evidence=scene.crls, policy=scene.policy, at=scene.at))

    run()
    return Contestant("warm", run)


_COLD = "each call meets a country, a signer and lists that it has never seen"


def _strangers(work: Callable[[Any], object], items: Sequence[Any]) -> Contestant:
    """Every call gets another item, and nothing that was seen before the round is remembered.

    The first item of a round is not timed: the floor beside it runs with warm code too.
    """
    waiting: Iterator[Any] = iter(())

    def before() -> None:
        nonlocal waiting
        forget()
        waiting = iter(items)
        work(next(waiting))

    def run() -> None:
        work(next(waiting))

    return Contestant("cold", run, before=before, note=_COLD, loops=len(items) - 1)


def _verify_cold(scene: Scene, size: str, sign: Callable[[Any], bytes]) -> Contestant:
    strangers = scene.strangers[:3] if size == "10 MB" else scene.strangers
    signed = [(stranger, sign(stranger.person.key)) for stranger in strangers]

    def work(item: Any) -> None:
        stranger, data = item
        trust = ek.TrustStore([stranger.root])
        _good(
            ek.verify(data, trust=trust, evidence=stranger.crls, policy=scene.policy, at=scene.at)
        )

    return _strangers(work, signed)


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

    def work(stranger: Any) -> None:
        report = ek.validate_certificate(
            stranger.leaf,
            trust=ek.TrustStore([stranger.root]),
            intermediates=[stranger.issuing],
            evidence=stranger.crls,
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
        [_strangers(work, scene.strangers), *_path_peers(scene, target)],
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


def thousand_signers(scene: Scene, number: int = 1000) -> tuple[Row, float]:
    """Many signers under one authority: the cost of one, and the growth over all.

    The authority and its lists are known before the first is timed.
    """
    payload = scene.payload("1 KB")
    pki = scene.countries[0]
    files = [
        ek.sign(
            payload,
            pki.person().key,
            format="cades",
            packaging="attached",
            signing_time=scene.at,
        )
        for _ in range(number + 1)
    ]
    crls = tuple(pki.evidence())
    trust = ek.TrustStore([pki.root.certificate.der])
    floor = scene.floor(payload, scene.chain_verifies[:1])
    floor_times, times = [], []

    def verify(file: bytes) -> None:
        _good(ek.verify(file, trust=trust, evidence=crls, policy=scene.policy, at=scene.at))

    forget()
    verify(files.pop())
    for file in files:
        floor_times.append(spent(floor))
        times.append(spent(lambda file=file: verify(file)))  # type: ignore[misc]
    tenth = number // 10
    result = Row(
        f"{number} signers, per signature, {scene.label}",
        statistics.median(floor_times),
        {"cold": statistics.median(times)},
        goal=2.5,
    )
    return result, statistics.median(times[-tenth:]) / statistics.median(times[:tenth])


__all__ = ["SIZES", "cades", "hundred_signers", "path", "thousand_signers", "xades"]
