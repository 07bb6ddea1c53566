"""From the wording of a suite to a :class:`ValidationPolicy`.

A suite says in words and fields under which rules a case is judged ("no revocation check", "strict
CAdES baseline B", ``revocation: require``, the four initial inputs of RFC 5280 § 6.1.1). This file
is the whole dictionary; it knows fields and phrases, never a case.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import esign_kit as ek

ANY_POLICY = "2.5.29.32.0"
USAGES = {
    "serverAuth": "1.3.6.1.5.5.7.3.1",
    "clientAuth": "1.3.6.1.5.5.7.3.2",
    "codeSigning": "1.3.6.1.5.5.7.3.3",
    "emailProtection": "1.3.6.1.5.5.7.3.4",
    "timeStamping": "1.3.6.1.5.5.7.3.8",
    "OCSPSigning": "1.3.6.1.5.5.7.3.9",
    "anyExtendedKeyUsage": "2.5.29.37.0",
}
_REVOCATION = {
    "require": ek.Revocation.REQUIRED,
    "declared": ek.Revocation.IF_DECLARED,
    "target": ek.Revocation.TARGET_ONLY,
}
_LEGACY_KEYS = (("RSA", 1024), ("RSA-PSS", 1024), ("DSA", 1024), ("ECDSA", 192))

EXTERNAL_DATA = {
    # The interoperability files refer to these addresses; the suite ships the contents and its
    # README names the map.
    "http://www.w3.org/TR/xml-stylesheet": "xml-stylesheet-2005",
    "http://www.w3.org/Signature/2002/04/xml-stylesheet.b64": "xml-stylesheet-2005.b64",
    "http://www.ietf.org/rfc/rfc3161.txt": "rfc3161.txt",
}


def moment(text: str | None) -> datetime | None:
    """Return the time that a manifest states; UTC where it names no zone."""
    if not text:
        return None
    value = datetime.fromisoformat(text)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def legacy() -> ek.AlgorithmPolicy:
    """Algorithms as if it were 2005: for suites that test structure, not strength."""
    policy = ek.AlgorithmPolicy().accepting("SHA1", "MD5", "SHA224")
    for family, bits in _LEGACY_KEYS:
        policy = policy.accepting_keys(family, bits)
    return policy


def trust_aside() -> ek.ValidationPolicy:
    """Integrity, structure and coverage are the question; trust, age and strength are not."""
    return ek.ValidationPolicy().with_(
        revocation=ek.Revocation.NOT_CHECKED,
        revocation_for_timestamps=ek.Revocation.NOT_CHECKED,
        algorithms=legacy(),
    )


def pinned_default() -> ek.ValidationPolicy:
    """The default policy, with the key pinned: nothing to ask about revocation."""
    return ek.ValidationPolicy().with_(
        revocation=ek.Revocation.NOT_CHECKED,
        revocation_for_timestamps=ek.Revocation.NOT_CHECKED,
    )


def everything_allowed() -> ek.ValidationPolicy:
    """XML-Signature core with every algorithm and transform allowed that we have."""
    return trust_aside().with_(transforms=ek.TransformRule.XPATH, coverage=ek.CoverageRule.ANY)


def for_case(suite: dict[str, Any], case: dict[str, Any]) -> ek.ValidationPolicy:
    """Return the policy under which the suite wants the case judged."""
    policy = ek.ValidationPolicy()
    words = " ".join(str(suite.get(key, "")) for key in ("note", "trust", "algorithms")).lower()
    changes: dict[str, Any] = {}
    revocation = case.get("revocation", suite.get("revocation"))
    if revocation is not None:
        changes["revocation"] = _REVOCATION[revocation]
    elif "no revocation check" in words:
        changes["revocation"] = ek.Revocation.NOT_CHECKED
        changes["revocation_for_timestamps"] = ek.Revocation.NOT_CHECKED
    profile = case.get("profile", "")
    level = re.search(r"(\w)AdES-(B|T|LT|LTA)\b", profile)
    if level:
        # EN 319 132-1 § 6.3 makes DataObjectFormat a part of baseline B; the suite means by
        # "XAdES-B" signed properties that bind the certificate, and writes none.
        basic = level[1] == "X" and level[2] == "B"
        changes["required_level"] = "BES" if basic else f"BASELINE-{level[2]}"
    algorithms = _algorithms(suite, case)
    if algorithms is not None:
        changes["algorithms"] = algorithms
    changes.update(_initial_inputs(case.get("policy") or {}))
    return policy.with_(**changes) if changes else policy


def _algorithms(suite: dict[str, Any], case: dict[str, Any]) -> ek.AlgorithmPolicy | None:
    words = f"{suite.get('algorithms', '')} {case.get('algorithms', '')}"
    policy = ek.AlgorithmPolicy()
    changed = False
    if re.search(r"SHA-?1 must be allowed", words):
        policy, changed = policy.accepting("SHA1"), True
        policy = policy.accepting_keys("RSA", 1024)
    span = re.search(r"for ([\d.]+) to ([\d.]+), DSA-(\d+)", words)
    if span:
        number = re.match(r"[\d.]+", str(case.get("id", "")))
        if number and _version(span[1]) <= _version(number[0]) <= _version(span[2]):
            policy, changed = policy.accepting("SHA1").accepting_keys("DSA", int(span[3])), True
    return policy if changed else None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.strip(".").split("."))


def _initial_inputs(inputs: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    wanted = inputs.get("initial_policy_set")
    if wanted is not None:
        oids = frozenset(ANY_POLICY if oid == "anyPolicy" else oid for oid in wanted)
        changes["initial_policies"] = None if ANY_POLICY in oids else oids
    for key in (
        "initial_explicit_policy",
        "initial_policy_mapping_inhibit",
        "initial_any_policy_inhibit",
    ):
        if key in inputs:
            changes[key] = inputs[key]
    unknown = inputs.keys() - {"initial_policy_set"} - changes.keys()
    if unknown:
        raise ValueError(f"the suite states an unknown initial input: {sorted(unknown)}")
    return changes


def for_limbo(case: dict[str, Any]) -> ek.ValidationPolicy:
    """Return the policy of one testcase object in the schema of x509-limbo."""
    usages = case.get("extended_key_usage") or [
        "clientAuth" if case.get("validation_kind") == "CLIENT" else "serverAuth"
    ]
    changes: dict[str, Any] = {
        "revocation": ek.Revocation.REQUIRED if case.get("crls") else ek.Revocation.NOT_CHECKED,
        "extended_key_usages": frozenset(USAGES[name] for name in usages),
        # The suite asks for the rules of RFC 5280 § 4 for issuers too, not for § 6 alone.
        "certificate_profile": ek.CertificateProfile.RFC5280,
    }
    if case.get("max_chain_depth") is not None:
        changes["max_path_length"] = case["max_chain_depth"]
    if case.get("key_usage"):
        changes["key_usages"] = frozenset(_snake(name) for name in case["key_usage"])
    return ek.ValidationPolicy().with_(**changes)


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), name)
