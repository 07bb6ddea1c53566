"""Cases that are a signature, a time-stamp token or a container with signatures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import esign_kit as ek
from tests.conformance import judge, policies
from tests.conformance.model import MIB, NOT_BUILT, SECONDS, Job, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ROOMS = {
    "XAdES": "esign_kit.xades.parse",
    "CAdES": "esign_kit.cades.parse",
    "TST": "esign_kit.tsp.parse",
    "PAdES": "esign_kit.pades.parse",
    "JAdES": "esign_kit.jades.parse",
    "ASiC": "esign_kit.asic.parse",
    "ER": "esign_kit.evidencerecord.parse",
}


@cache
def built(room: str) -> bool:
    """Tell whether the library has that room."""
    module = ROOMS[room]
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def room_of(data: bytes) -> str:
    """Guess from the octets which room would read them."""
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if data[:1] == b"\x30":
        return "CAdES"  # a SEQUENCE; a PDF may well be inside
    if b"%PDF-" in data[:1024]:
        return "PAdES"
    if data[:2] == b"PK":
        return "ASiC"
    if head[:1] == b"<" or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "XAdES"
    return "CAdES"


def signature_jobs(
    root: Path, suite: dict[str, Any], cases: Sequence[dict[str, Any]]
) -> Iterator[Job]:
    """Yield one job per case; the rows of a suite whose room is missing say so."""
    name = suite["suite"]
    guesses = [_room(root, case) for case in cases]
    common = max(set(guesses), key=guesses.count) if guesses else "CAdES"
    for case, guess in zip(cases, guesses, strict=True):
        missing = next((room for room in (guess, common) if not built(room)), None)
        if missing is not None:
            yield unbuilt(name, case["id"], case["expect"], missing)
        else:
            yield from _jobs(root, suite, case)


def unbuilt(suite: str, name: str, expect: Any, room: str) -> Job:
    """A job that says that the room is not built; it counts neither way."""

    def run() -> list[Row]:
        return [Row(suite, name, expect, NOT_BUILT, None, room)]

    return Job(suite, ((name, expect),), run)


def _room(root: Path, case: dict[str, Any]) -> str:
    if "token" in case:
        return "TST"
    with (root / main_file(case)).open("rb") as stream:
        return room_of(stream.read(1024))


def main_file(case: dict[str, Any]) -> str:
    """Return the file that is verified."""
    for key in ("signature", "token", "container", "pdf"):
        if key in case:
            return str(case[key])
    return str(case["files"][0])


def _jobs(root: Path, suite: dict[str, Any], case: dict[str, Any]) -> Iterator[Job]:
    name, expect = case["id"], case["expect"]
    asks = [(name, expect)]
    if "core" in case:
        asks.append((f"{name}#core", case["core"]))

    def run() -> list[Row]:
        if "core" in case:
            return [
                judge.ask(suite["suite"], name, expect, lambda: _interop(root, case)),
                _core(root, suite["suite"], case),
            ]
        if "anchor" in suite or "anchor" in case:
            return [judge.ask(suite["suite"], name, expect, lambda: _anchored(root, suite, case))]
        return [judge.ask(suite["suite"], name, expect, lambda: _trust_aside(root, suite, case))]

    yield Job(
        suite["suite"],
        tuple(asks),
        run,
        seconds=case.get("limit_seconds", SECONDS),
        mib=case.get("limit_mib", MIB),
    )


def detached_of(root: Path, case: dict[str, Any]) -> list[ek.Document]:
    """Return the documents that the caller hands over."""
    found = []
    for key in ("content", "data"):
        if key in case:
            found.append(ek.Document((root / case[key]).read_bytes()))
    for name, file in (case.get("detached") or {}).items():
        found.append(ek.Document((root / file).read_bytes(), name=name))
    return found


def _anchored(root: Path, suite: dict[str, Any], case: dict[str, Any]) -> tuple[str, str, Any]:
    report = ek.verify(
        (root / main_file(case)).read_bytes(),
        detached=detached_of(root, case),
        trust=ek.TrustStore(
            [(root / case.get("anchor", suite.get("anchor"))).read_bytes()],
            [(root / file).read_bytes() for file in case.get("intermediates", ())],
        ),
        policy=policies.for_case(suite, case),
        at=policies.moment(case.get("at", suite.get("at"))),
    )
    verdict, note = judge.of_report(report)
    stamp = ek.Format.TIMESTAMP
    if "token" in case and any(item.format is not stamp for item in report.signatures):
        return "refuse", f"no time-stamp token but {report.signatures[0].format}; {note}", None
    return verdict, note, judge.demands(case, report)


def _trust_aside(root: Path, suite: dict[str, Any], case: dict[str, Any]) -> tuple[str, str, Any]:
    report = verify_pinned(
        (root / main_file(case)).read_bytes(),
        detached_of(root, case),
        policies.trust_aside(),
        policies.moment(case.get("at", suite.get("at"))),
    )
    verdict, note = judge.of_report(report)
    return verdict, note, judge.demands(case, report)


def _interop(root: Path, case: dict[str, Any]) -> tuple[str, str, Any]:
    report = verify_pinned(
        (root / main_file(case)).read_bytes(),
        _neighbours(root, case),
        policies.pinned_default(),
        None,
    )
    verdict, note = judge.of_report(report)
    return verdict, note, judge.demands(case, report)


def _core(root: Path, suite: str, case: dict[str, Any]) -> Row:
    """Measure XML-Signature core with everything allowed.

    The source ran these files with keys that are not in the corpus; where no key is at hand, or the
    feature is one that the library refuses to have at all, the row is a measurement, not a failure.
    A file that is bad by core and found good is a failure always.
    """
    name, expect = f"{case['id']}#core", case["core"]
    try:
        report = verify_pinned(
            (root / main_file(case)).read_bytes(),
            _neighbours(root, case),
            policies.everything_allowed(),
            None,
        )
    except ek.EsignError as error:
        verdict, note = "refuse", f"{type(error).__name__} {error.code}: {error.detail}"[:300]
    except Exception as error:
        return Row(suite, name, expect, "untyped", False, f"{type(error).__name__}: {error}"[:300])
    else:
        good = bool(report.signatures) and all(judge.intact(s) for s in report.signatures)
        verdict, note = ("accept" if good else "refuse"), judge.of_report(report)[1]
    if expect == "good":
        return Row(suite, name, expect, verdict, True if verdict == "accept" else None, note)
    if expect == "bad":
        return Row(suite, name, expect, verdict, verdict != "accept", note)
    return Row(suite, name, expect, verdict, None, note)


def _neighbours(root: Path, case: dict[str, Any]) -> list[ek.Document]:
    """Documents that the file may refer to: those beside it, and the suite's external data."""
    file = root / main_file(case)
    external = root / "external-data"
    found = [
        ek.Document((external / name).read_bytes(), name=uri)
        for uri, name in policies.EXTERNAL_DATA.items()
        if (external / name).is_file()
    ]
    for path in sorted(file.parent.rglob("*")):
        if path == file or not path.is_file() or path.stat().st_size > 1 << 20:
            continue
        data = path.read_bytes()
        if b"SignatureValue" not in data:
            found.append(ek.Document(data, name=str(path.relative_to(file.parent))))
    return found[:200]


def verify_pinned(
    data: bytes,
    detached: Sequence[ek.Document],
    policy: ek.ValidationPolicy,
    at: datetime | None,
    certificates: Sequence[bytes] = (),
) -> Any:
    """Verify with the signers' own certificates as anchors.

    A signature that brings a bare key gets a certificate for that key, made here: to pin a key is
    to trust its holder. Judged now, or at the last moment of the certificates' validity.
    """
    first = ek.verify(data, detached=detached, certificates=certificates, policy=policy, at=at)
    reports = [report for _, report in judge.flattened(first.signatures)]
    pins = [r.signing_certificate_der for r in reports if r.signing_certificate_der]
    helpers = list(certificates)
    if len(pins) < len(reports):
        document = ek.parse(data, detached=detached, policy=policy)
        for signature in document.signatures:
            if signature.key_value is not None:
                made = certificate_for(signature.key_value)
                if made is not None:
                    helpers.append(made)
                    pins.append(made)
    if not pins:
        return first
    moment = at or _inside(reports)
    return ek.verify(
        data,
        detached=detached,
        certificates=helpers,
        trust=ek.TrustStore(pins),
        policy=policy,
        at=moment,
    )


def _inside(reports: Sequence[Any]) -> datetime:
    now = datetime.now(UTC)
    ends = []
    for report in reports:
        facts = report.to_dict()["signing_certificate"] or {}
        if "not_after" in facts:
            ends.append(datetime.fromisoformat(facts["not_after"]))
    return min([now, *(end - timedelta(seconds=1) for end in ends)])


def certificate_for(spki: bytes) -> bytes | None:
    """Return a certificate for a bare public key, signed by a throw-away authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

    try:
        key = load_der_public_key(spki)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pinned key")]))
            .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "throw-away")]))
            .public_key(key)  # type: ignore[arg-type]
            .serial_number(1)
            .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2049, 1, 1, tzinfo=UTC))
        )
        return builder.sign(_authority(), SHA256()).public_bytes(Encoding.DER)
    except (ValueError, TypeError):
        return None


@cache
def _authority() -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())
