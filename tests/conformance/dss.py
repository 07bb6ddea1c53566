"""The corpus from the test data of esig/dss: one row for each key that a case asserts.

A missing key is not asserted. Nothing is trusted unless the case names it, so what is compared is
cryptography, structure and time-stamps. ``must_not_pass`` is asked twice: as the case states it,
and with the signer's own certificate pinned, because without trust nothing can pass anyway.
"""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from typing import TYPE_CHECKING, Any

import esign_kit as ek
from tests.conformance import judge, policies
from tests.conformance.model import Job, Row
from tests.conformance.signatures import built, unbuilt, verify_pinned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

PASSED = ek.CheckStatus.PASSED
_FORMATS = {
    "XAdES": "XAdES",
    "CAdES": "CAdES",
    "PAdES": "PAdES",
    "JAdES": "JAdES",
    "ASiC-XAdES": "ASiC",
    "ASiC-CAdES": "ASiC",
    "ER-XML": "ER",
    "ER-ASN1": "ER",
    "TST": "TST",
}
_INFORMATIVE = ("dss_conclusion", "rejected_with", "message", "max_seconds")
_STAMP_KINDS = {
    "CONTENT_TIMESTAMP": ("CONTENT",),
    "ALL_DATA_OBJECTS_TIMESTAMP": ("CONTENT",),
    "INDIVIDUAL_DATA_OBJECTS_TIMESTAMP": ("CONTENT",),
    "SIGNATURE_TIMESTAMP": ("SIGNATURE",),
    "VALIDATION_DATA_TIMESTAMP": ("SIGNATURE_AND_REFERENCES",),
    "VALIDATION_DATA_REFSONLY_TIMESTAMP": ("REFERENCES",),
    "ARCHIVE_TIMESTAMP": ("ARCHIVE",),
    "ARCHIVE_ANY": ("ARCHIVE",),
}


class _NotRead(Exception):
    """The library gives no answer to this key yet."""


def dss_jobs(root: Path, name: str, cases: Sequence[dict[str, Any]]) -> Iterator[Job]:
    """Yield one job per case; its rows are named ``case#key``."""
    for case in cases:
        room = _FORMATS.get(case["format"], case["format"])
        asks = tuple((f"{case['id']}#{key}", value) for key, value in asserted(case["expect"]))
        if room not in ("XAdES", "CAdES", "TST", "PAdES", "JAdES", "ASiC", "ER") or not built(room):
            for key, value in asks:
                yield unbuilt(name, key, value, case["format"])
            continue

        def run(case: dict[str, Any] = case) -> list[Row]:
            return _rows(root, name, case)

        yield Job(name, asks, run, seconds=case["expect"].get("max_seconds", 10.0))


def asserted(expect: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, value) of what a case asserts."""
    for key, value in expect.items():
        if not prefix and key in _INFORMATIVE:
            continue
        if isinstance(value, dict) and key not in ("levels_multiset",):
            yield from asserted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _rows(root: Path, name: str, case: dict[str, Any]) -> list[Row]:
    wanted = list(asserted(case["expect"]))
    try:
        report = _verify(root, case)
    except ek.EsignError as error:
        note = f"{type(error).__name__} {error.code}: {error.detail}"[:300]
        return [_refused(name, case, key, value, note) for key, value in wanted]
    except MemoryError:
        return [
            Row(name, f"{case['id']}#{k}", v, "crash", False, "out of memory") for k, v in wanted
        ]
    except Exception as error:
        note = judge._untyped(error)
        return [Row(name, f"{case['id']}#{k}", v, "untyped", False, note) for k, v in wanted]
    verdict, note = judge.of_report(report)
    rows = []
    for key, value in wanted:
        row = Row(name, f"{case['id']}#{key}", value, verdict, None, note)
        try:
            found = _answer(root, case, report, key)
        except _NotRead as reason:
            row.verdict, row.note = "not answered", str(reason)
        except Exception as error:
            row.verdict, row.right, row.note = "untyped", False, judge._untyped(error)
        else:
            row.right = _same(found, value)
            if _only_must_not_pass(case, key, value):
                row.right = _answer(root, case, report, "must_not_pass") is True
            if not row.right:
                row.note = f"found {found!r}; {note}"
        rows.append(row)
    return rows


def _only_must_not_pass(case: dict[str, Any], key: str, value: Any) -> bool:
    """The corpus says so: ``false`` where an independent check finds the cryptography sound."""
    checked = (case.get("crosscheck") or {}).get("intact")
    return key == "crypto_intact" and value is False and checked is True


def _same(found: Any, value: Any) -> bool:
    if isinstance(found, Counter):
        return found == Counter(value)
    if isinstance(found, frozenset):
        return value in found
    return bool(found == value)


def _refused(name: str, case: dict[str, Any], key: str, value: Any, note: str) -> Row:
    expect = case["expect"]
    count = expect.get("signature_count", expect.get("signature_count_structural"))
    right: bool | None
    if key == "parse":
        # What holds no signature is an error by contract, where DSS opens it and finds none.
        right = None if count == 0 and value == "ok" else value in ("reject", "terminates")
    elif key == "must_not_pass":
        right = True
    elif key in ("signature_count", "top_level_signature_count", "signature_count_structural"):
        right = value == 0
    elif expect.get("parse") == "reject" or count == 0:
        right = None
    else:
        right = key == "crypto_intact" and value is False
    return Row(name, f"{case['id']}#{key}", value, "refuse", right, note)


def _inputs(root: Path, case: dict[str, Any]) -> dict[str, Any]:
    files = root / "files"
    needs = case.get("needs") or {}

    def octets(entry: dict[str, Any]) -> bytes:
        if "der_b64" in entry:
            return b64decode(entry["der_b64"])
        return (files / entry["file"]).read_bytes()

    detached = []
    for entry in case.get("detached", ()):
        name = entry.get("name")
        if "digests" in entry:
            values = {key: b64decode(value) for key, value in entry["digests"].items()}
            detached.append(ek.Document.from_digests(values, name=name))
        elif "content_b64" in entry:
            detached.append(ek.Document(b64decode(entry["content_b64"]), name=name))
        elif "file" in entry:
            detached.append(ek.Document((files / entry["file"]).read_bytes(), name=name))
    return {
        "data": (files / case["file"]).read_bytes(),
        "detached": detached,
        "trust": [octets(entry) for entry in needs.get("trusted_certificates", ())],
        "certificates": [
            octets(entry)
            for key in ("signing_certificates", "adjunct_certificates")
            for entry in needs.get(key, ())
        ],
        "at": policies.moment(needs.get("validation_time")),
    }


def _verify(root: Path, case: dict[str, Any]) -> Any:
    given = _inputs(root, case)
    return ek.verify(
        given["data"],
        detached=given["detached"],
        trust=ek.TrustStore(given["trust"]),
        certificates=given["certificates"],
        at=given["at"],
    )


def _answer(root: Path, case: dict[str, Any], report: Any, key: str) -> Any:
    simple = _SIMPLE.get(key)
    if simple is not None:
        return simple(report)
    head, _, tail = key.partition(".")
    if key == "must_not_pass":
        given = _inputs(root, case)
        if report.indication is ek.Indication.TOTAL_PASSED:
            return "passed"
        pinned = verify_pinned(
            given["data"],
            given["detached"],
            policies.trust_aside(),
            given["at"],
            given["certificates"],
        )
        passed = pinned.indication is ek.Indication.TOTAL_PASSED
        return "passed with its certificate pinned" if passed else True
    if head == "signing_certificate":
        return _signing_certificate(report, tail)
    if head == "timestamps":
        return _timestamps(report, tail)
    if head == "crypto_intact_by_index":
        return _intact([s for _, s in judge.flattened(report.signatures)][int(tail)])
    if head == "crypto_intact_by_role":
        states = [_intact(s) for role, s in judge.flattened(report.signatures) if role == tail]
        return _common(states)
    if head == "levels_by_role":
        levels = {s.level for role, s in judge.flattened(report.signatures) if role == tail}
        return _one(levels)
    if head == "attributes":
        return _attribute(report, tail)
    raise _NotRead(f"the library gives no answer to {key} yet")


def _all(report: Any) -> list[Any]:
    return [signature for _, signature in judge.flattened(report.signatures)]


def _common(states: Sequence[bool]) -> bool | str:
    if not states:
        return "none"
    return states[0] if len(set(states)) == 1 else "mixed"


def _one(values: set[str]) -> Any:
    return next(iter(values)) if len(values) == 1 else sorted(values)


def _intact(signature: Any) -> bool:
    """The value verifies and so does every reference, entries of manifests aside.

    Core validation ends at the manifest (XML Signature § 5.1), and so do the words of this corpus;
    the library looks further and does not pass a signature whose manifest lists what is not there.
    """
    value = signature.check("signature-value").status is PASSED
    return value and _references_intact(signature)


def _entries(signature: Any) -> list[Any]:
    entries = signature.check("reference-digest").facts.get("references", ())
    return [entry for entry in entries if entry["kind"] != "MANIFEST_ENTRY"]


def _matches(signature: Any, fact: str) -> bool:
    check = signature.check("reference-digest")
    if "references" not in check.facts:
        # Facts are listed where something is amiss; NOT_RUN: the value covers the content itself.
        return check.status in (PASSED, ek.CheckStatus.NOT_RUN)
    return all(entry[fact] for entry in _entries(signature))


def _structure_valid(signature: Any) -> bool:
    """The schema for XML, the rules of CMS for CMS: what the corpus says that the word means."""
    faults = signature.structure_faults
    return not faults if faults is not None else signature.check("format").status is PASSED


def _found(signature: Any) -> bool:
    return _matches(signature, "found")


def _references_intact(signature: Any) -> bool:
    return _matches(signature, "intact")


_SIMPLE: dict[str, Callable[[Any], Any]] = {
    "parse": lambda report: "ok" if report is not None else "reject",
    "signature_count": lambda report: len(_all(report)),
    "signature_count_structural": lambda report: len(_all(report)),
    "top_level_signature_count": lambda report: len(report.signatures),
    "counter_signature_count": lambda report: len(_all(report)) - len(report.signatures),
    "crypto_intact": lambda report: _common([_intact(s) for s in _all(report)]),
    "first_signature_intact": lambda report: _intact(report.signatures[0]),
    # DSS's word for XML's core validation: with data missing or altered it is not intact either.
    "signature_value_intact": lambda report: all(_intact(s) for s in _all(report)),
    "references_found": lambda report: all(_found(s) for s in _all(report)),
    "references_intact": lambda report: all(_references_intact(s) for s in _all(report)),
    "structure_valid": lambda report: all(_structure_valid(s) for s in _all(report)),
    "level": lambda report: _one({s.level for s in _all(report)}),
    "first_signature_level": lambda report: report.signatures[0].level,
    "levels_multiset": lambda report: Counter(s.level for s in _all(report)),
}


def _signing_certificate(report: Any, key: str) -> Any:
    """All signatures must agree; a fact that was not looked at is False."""
    facts = [s.check("signing-certificate").facts for s in _all(report)]
    if key == "identified":
        # In DSS's words a signing certificate is identified by a signed reference that fits it.
        parts = ("identified", "ref_present", "digest_match")
        return all(
            all(entry.get(part, False) for part in parts) and entry.get("issuer_serial_match", True)
            for entry in facts
        )
    return all(bool(entry.get(key, False)) for entry in facts)


def _timestamps(report: Any, key: str) -> Any:
    stamps = [stamp for s in _all(report) for stamp in s.timestamps]
    head, _, rest = key.partition(".")
    if key == "count":
        return len(stamps)
    if key == "first_signature_count":
        return len(report.signatures[0].timestamps)
    if key == "all_intact":
        return all(t.imprint_intact and t.token_intact and t.certificate_der for t in stamps)
    if key == "imprints_intact":
        return all(bool(t.imprint_intact) for t in stamps)
    if key == "imprints_found":
        return all(t.imprint_found for t in stamps)
    if key == "tokens_valid":
        return all(bool(t.token_intact) for t in stamps)
    if head == "by_type":
        kind, _, asked = rest.partition(".")
        if kind not in _STAMP_KINDS:
            raise _NotRead(f"time-stamps of type {kind} belong to a room that is not built")
        chosen = [t for t in stamps if t.kind in _STAMP_KINDS[kind]]
        return _stamp_facts(chosen, asked)
    if head == "by_index":
        number, _, asked = rest.partition(".")
        if int(number) >= len(stamps):
            return "no such time-stamp"
        if asked == "type":
            kind = stamps[int(number)].kind
            return frozenset(name for name, kinds in _STAMP_KINDS.items() if kind in kinds)
        return _stamp_facts([stamps[int(number)]], asked)
    raise _NotRead(f"timestamps.{key}")


def _stamp_facts(stamps: Sequence[Any], key: str) -> Any:
    if key == "present":
        return bool(stamps)
    if key == "count":
        return len(stamps)
    if key == "imprint_found":
        return all(t.imprint_found for t in stamps)
    if key == "imprint_intact":
        return all(bool(t.imprint_intact) for t in stamps)
    if key == "token_signature_intact":
        return all(bool(t.token_intact) for t in stamps)
    if key == "token_valid":
        return all(bool(t.token_intact) and bool(t.imprint_intact) for t in stamps)
    raise _NotRead(f"time-stamp fact {key}")


def _attribute(report: Any, key: str) -> Any:
    first = report.signatures[0] if report.signatures else None
    attributes = first.signed_attributes if first is not None else {}
    policy = attributes.get("policy") or attributes.get("signature_policy") or {}
    if key in ("policy_id", "policy_present", "policy_identified"):
        identifier = policy.get("id") if isinstance(policy, dict) else policy
        if key == "policy_id":
            return str(identifier).removeprefix("urn:oid:")
        return bool(identifier)
    if key == "content_type":
        return attributes.get("content_type")
    if key == "digest_algorithm" and first is not None:
        return Counter(
            scope.digest.algorithm for scope in first.signed if scope.digest
        ).most_common(1)[0][0]
    if key == "encryption_algorithm" and first is not None:
        return first.algorithm.partition("-")[0]
    raise _NotRead(f"attribute {key}")
