"""Checking a bundle: the same question, the same octets, and is it the same answer?"""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from esign_kit.arguments import to_octets
from esign_kit.asn1.certificate import Certificate
from esign_kit.bundle.archive import read
from esign_kit.bundle.mandates import mandate_from_data
from esign_kit.bundle.model import SCHEMA, Attachment, BundleReport
from esign_kit.bundle.policy import policy_from_data
from esign_kit.bundle.question import Question, canonical
from esign_kit.errors import InputError, ProfileError
from esign_kit.model.document import Document
from esign_kit.model.evidence import Evidence
from esign_kit.model.limits import Limits
from esign_kit.model.signature import Purpose
from esign_kit.trust.policy import ValidationPolicy
from esign_kit.trust.store import TrustAnchor, TrustStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esign_kit.arguments import Octets
    from esign_kit.profiles import Profile

__all__ = ["verify"]

_READING = ValidationPolicy(limits=Limits(signature_size=640 * 1024 * 1024))


def verify(bundle: Octets, *, trust: TrustStore | None = None) -> BundleReport:
    """Compute the verdict and the principals again from the bundle alone, and compare.

    Args:
        bundle: octets or a path.
        trust: anchors that the caller vouches for. A bundle brings its own anchors, and a forged
            one brings forged ones; only this argument tells them apart.

    Raises:
        InputError: no bundle, or one whose manifest and files do not agree.
    """
    files = read(to_octets(bundle, _READING))
    manifest = _manifest(files)
    try:
        question, differences = _question(files, manifest)
        attachments = tuple(
            Attachment(
                kind=item["kind"],
                name=item["name"],
                data=files[item["file"]],
                media_type=item["media_type"],
                facts=item["facts"],
            )
            for item in manifest["attachments"]
        )
        made_with = str(manifest["made_with"])
        stored_report = files["report.json"]
        stored_principals = files["principals.json"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError("the manifest lacks something", code="bundle.manifest") from error
    report, principals = question.ask()
    if canonical(report.to_dict()) != stored_report:
        differences.append("the report does not come out again as it was kept")
    if canonical(list(principals)) != stored_principals:
        differences.append("the principals do not come out again as they were kept")
    return BundleReport(
        identical=not differences,
        differences=tuple(differences),
        intact=True,
        anchors_vouched=_vouched(question.trust, trust),
        report=report,
        principals=tuple(item["principal"] for item in principals),
        mandates=tuple(mandate.to_dict() for mandate in question.mandates),
        attachments=attachments,
        made_at=question.at,
        made_with=made_with,
        anchors=tuple(anchor.certificate.subject_text for anchor in question.trust),
    )


def _manifest(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Read the manifest and compare every file with it; nothing may be missing or more."""
    try:
        manifest = json.loads(files["manifest.json"])
        if manifest["schema"] != SCHEMA:
            raise InputError("a bundle of another version", code="bundle.version")
        stated = manifest["files"]
        if stated.keys() != files.keys() - {"manifest.json"}:
            raise InputError("the files are not those of the manifest", code="bundle.files")
        for name, entry in stated.items():
            if sha256(files[name]).hexdigest() != entry["sha256"]:
                raise InputError(f"{name} is not what the manifest states", code="bundle.digest")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InputError("this is no evidence bundle", code="bundle.malformed") from error
    return dict(manifest)


def _question(
    files: Mapping[str, bytes], manifest: Mapping[str, Any]
) -> tuple[Question, list[str]]:
    differences: list[str] = []
    trust = TrustStore(
        [_anchor(files, entry) for entry in manifest["anchors"]],
        [Certificate.load(octets) for octets in _folder(files, "intermediates")],
    )
    return (
        Question(
            signature=files["signature/0"],
            detached=tuple(
                Document(files[entry["file"]], entry["name"], entry["media_type"])
                for entry in manifest["documents"]
            ),
            trust=trust,
            helpers=tuple(Certificate.load(octets) for octets in _folder(files, "helpers")),
            evidence=Evidence(
                certificates=_folder(files, "certificates"),
                crls=_folder(files, "crls"),
                ocsp_responses=_folder(files, "ocsp"),
                timestamps=_folder(files, "timestamps"),
            ),
            policy=policy_from_data(manifest["policy"]),
            at=datetime.fromisoformat(manifest["at"]),
            profile=_profile(manifest["profile"], trust, differences),
            mandates=tuple(
                mandate_from_data(json.loads(octets)) for octets in _folder(files, "mandates")
            ),
        ),
        differences,
    )


def _folder(files: Mapping[str, bytes], name: str) -> tuple[bytes, ...]:
    """Return the files of a folder in the order of their numbers."""
    own = [key for key in files if key.startswith(name + "/")]
    own.sort(key=lambda key: int(key.rpartition("/")[2].partition(".")[0]))
    return tuple(files[key] for key in own)


def _anchor(files: Mapping[str, bytes], entry: Mapping[str, Any]) -> TrustAnchor:
    return TrustAnchor(
        Certificate.load(files[entry["file"]]),
        purposes=[Purpose(item) for item in entry["purposes"]],
        since=datetime.fromisoformat(entry["since"]) if entry["since"] else None,
        until=datetime.fromisoformat(entry["until"]) if entry["until"] else None,
        note=entry["note"],
    )


def _profile(entry: Any, trust: TrustStore, differences: list[str]) -> Profile | None:
    if entry is None:
        return None
    from esign_kit.profiles import profile

    try:
        found = profile(entry["name"])
    except ProfileError:
        differences.append(f"the profile {entry['name']!r} is not installed here")
        return None
    if found.version != entry["version"]:
        differences.append(
            f"the profile {entry['name']} is of {found.version} here, the bundle was made with "
            f"{entry['version']}"
        )
    if entry["overrides"]:
        differences.append(
            "the profile was changed by its deployer when the bundle was made: "
            + ", ".join(entry["overrides"])
        )
    return found.with_trust(trust, environment=entry["environment"])


def _vouched(own: TrustStore, trust: TrustStore | None) -> bool | None:
    if trust is None:
        return None
    known = {anchor.certificate.der for anchor in trust}
    return all(anchor.certificate.der in known for anchor in own)
