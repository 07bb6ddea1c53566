"""Cases that are a certificate path, a subject, a key container or raw vectors."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

import esign_kit as ek
from tests.conformance import judge, policies
from tests.conformance.model import MIB, SECONDS, Job, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def path_jobs(root: Path, suite: dict[str, Any], cases: Sequence[dict[str, Any]]) -> Iterator[Job]:
    """``target`` under ``anchor``, with ``intermediates``, ``crls`` and ``ocsp``."""
    for case in cases:

        def run(case: dict[str, Any] = case) -> list[Row]:
            return [
                judge.ask(
                    suite["suite"], case["id"], case["expect"], lambda: _path(root, suite, case)
                )
            ]

        yield Job(
            suite["suite"],
            ((case["id"], case["expect"]),),
            run,
            seconds=case.get("limit_seconds", SECONDS),
            mib=case.get("limit_mib", MIB),
        )


def _path(root: Path, suite: dict[str, Any], case: dict[str, Any]) -> tuple[str, str, Any]:
    given = case.get("given_path", case.get("intermediates", ()))
    report = ek.validate_certificate(
        (root / case["target"]).read_bytes(),
        trust=ek.TrustStore([(root / case.get("anchor", suite.get("anchor"))).read_bytes()]),
        intermediates=[(root / file).read_bytes() for file in given],
        evidence=[
            (root / file).read_bytes() for key in ("crls", "ocsp") for file in case.get(key, ())
        ],
        policy=policies.for_case(suite, case),
        at=policies.moment(case.get("at", suite.get("at"))),
        purpose=ek.Purpose.ANY,
    )
    verdict, note = judge.of_certificate(report)
    missing = ""
    if verdict == "accept":
        length = case.get("path_length")
        if length is not None and len(report.chain_der) != length:
            missing = f"the path has {len(report.chain_der)} certificates, not {length}"
        notice = case.get("user_notice")
        if notice is not None and notice not in report.user_notices:
            missing = f"the user notice is not reported; notices: {list(report.user_notices)}"
    return verdict, note, missing


def _der(pem: str) -> bytes:
    """Return the octets between the lines of a PEM text."""
    lines = [line for line in pem.splitlines() if line and not line.startswith("-----")]
    return b64decode("".join(lines))


def limbo_jobs(root: Path, suite: dict[str, Any], cases: Sequence[dict[str, Any]]) -> Iterator[Job]:
    """Testcases in the schema of x509-limbo.

    Cases under a prefix of ``path_subset_excludes`` are asked too. They test rules of web servers
    or an optional limit, so they count neither way, unless the answer is a crash or a hang.
    """
    excluded = tuple(suite.get("path_subset_excludes", ()))
    for case in cases:
        hard = "denial-of-service" in case.get("features", ())
        expect = "accept" if case["expected_result"] == "SUCCESS" else "refuse"

        def run(case: dict[str, Any] = case, expect: str = expect) -> list[Row]:
            row = judge.ask(suite["suite"], case["id"], expect, lambda: _limbo(case))
            if case["id"].startswith(excluded) and row.verdict in ("accept", "refuse"):
                same = "same answer" if row.right else "other answer"
                row.right, row.note = None, f"outside the path subset, {same}; {row.note}"
            return [row]

        yield Job(
            suite["suite"],
            ((case["id"], expect),),
            run,
            seconds=5 if hard else SECONDS,
            mib=512 if hard else MIB,
        )


def _limbo(case: dict[str, Any]) -> tuple[str, str, Any]:
    report = ek.validate_certificate(
        case["peer_certificate"].encode(),
        trust=ek.TrustStore([pem.encode() for pem in case["trusted_certs"]]),
        intermediates=[pem.encode() for pem in case["untrusted_intermediates"]],
        evidence=[_der(pem) for pem in case.get("crls", ())],
        policy=policies.for_limbo(case),
        at=policies.moment(case.get("validation_time")),
        purpose=ek.Purpose.ANY,
    )
    verdict, note = judge.of_certificate(report)
    return verdict, note, None


def container_jobs(
    root: Path, suite: dict[str, Any], cases: Sequence[dict[str, Any]]
) -> Iterator[Job]:
    """Key and certificate containers: the key, or a typed error within the limits."""
    for case in cases:

        def run(case: dict[str, Any] = case) -> list[Row]:
            return [
                judge.ask(
                    suite["suite"], case["id"], case["expect"], lambda: _container(root, case)
                )
            ]

        yield Job(
            suite["suite"],
            ((case["id"], case["expect"]),),
            run,
            seconds=case.get("limit_seconds", SECONDS),
            mib=case.get("limit_mib", MIB),
        )


def _container(root: Path, case: dict[str, Any]) -> tuple[str, str, Any]:
    path = root / case["file"]
    if path.suffix.lower() in (".p12", ".pfx"):
        with ek.Pkcs12.open(path, password=case["password"]) as store:
            keys = list(store.keys())
    elif b"PRIVATE KEY" in path.read_bytes():
        with ek.KeyFile.open(path, password=case["password"]) as store:
            # The file has no certificate, and none is asked for: the key is what counts.
            keys = [entry for entry in store.entries if entry.code in ("", "keys.no-certificate")]
    else:
        found = ek.TrustStore.from_path(path)
        return "accept", f"{len(found)} certificates", None
    return ("accept" if keys else "refuse"), f"{len(keys)} keys", None


def identity_jobs(
    root: Path, suite: dict[str, Any], cases: Sequence[dict[str, Any]]
) -> Iterator[Job]:
    """Subjects made to be misread."""
    for case in cases:

        def run(case: dict[str, Any] = case) -> list[Row]:
            return [
                judge.ask(
                    suite["suite"], case["id"], case["expect"], lambda: _identity(root, suite, case)
                )
            ]

        yield Job(suite["suite"], ((case["id"], case["expect"]),), run)


def _identity(root: Path, suite: dict[str, Any], case: dict[str, Any]) -> tuple[str, str, Any]:
    """Ask every profile that the suite is about; what any of them names, counts as named."""
    trust = ek.TrustStore([(root / suite["anchor"]).read_bytes()])
    report = ek.validate_certificate(
        (root / case["certificate"]).read_bytes(),
        trust=trust,
        intermediates=[
            path.read_bytes() for path in sorted((root / suite["anchor"]).parent.glob("*.pem"))
        ],
        policy=ek.ValidationPolicy().with_(revocation=ek.Revocation.NOT_CHECKED),
        at=policies.moment(suite.get("at")),
        purpose=ek.Purpose.ANY,
    )
    people: set[str] = set()
    organisations: set[str] = set()
    notes = []
    for name in (case["scheme"],) if "scheme" in case else ("kz", "eidas"):
        try:
            # A scheme is bound to its own anchors; here the suite's anchor is its authority.
            profile = ek.profile(name).with_trust(trust)
            principal = ek.identify(_signed_with(report), profile=profile)
        except ek.EsignError as error:
            notes.append(f"{name}: {type(error).__name__} {error.detail}")
            continue
        people |= _values(principal.person)
        organisations |= _values(principal.organisation)
        organisations |= {mandate.grantor.value for mandate in principal.mandates}
        notes.append(f"{name}: {principal.identifier}")
    note = "; ".join(notes)[:300]
    for number in case.get("must_not_return", ()):
        if number in people | organisations:
            return "accept", note, f"impersonation: named {number}"
    if not people:
        return "refuse", note, None
    missing = ""
    if not people <= set(case["may_return"]):
        missing = f"named {sorted(people)}"
    if case.get("organisation") and case["organisation"] not in organisations:
        missing = f"organisation {sorted(organisations)}"
    return "accept", note, missing


def _signed_with(report: Any) -> ek.SignatureReport:
    """Return the report of a signature with that certificate, as if it had passed.

    The suite has certificates only; what is asked is who the certificate names.
    """
    return ek.SignatureReport(
        id="S-1",
        format=ek.Format.CADES,
        level="CAdES-BASELINE-B",
        packaging=None,
        indication=report.indication,
        sub_indication=report.sub_indication,
        checks=report.checks,
        at=report.at,
        best_signature_time=report.at,
        signing_certificate_der=report.certificate_der,
        chain_der=report.chain_der,
        policies=report.policies,
    )


def _values(holder: Any) -> set[str]:
    """Return the bare values of all identifiers of a person or an organisation."""
    return {identifier.value for identifier in getattr(holder, "identifiers", ())}
