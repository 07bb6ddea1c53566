"""A tax notice as the authority writes it: plain XML signatures over blocks, without transforms.

The signatures stand in ``DSCKS/<role>``; each covers its own time and some of the blocks by Id. All
is written in canonical form (Canonical XML 1.0), so that what is hashed is what stands here.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

import esign_kit as ek
from esign_kit.algorithms import signature_algorithm
from esign_kit.eid.decision import signed_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esign_kit.model.mandate import Decision
    from esign_kit.testing.entity import Entity
    from esign_kit.testing.pki import FixturePKI
    from esign_kit.testing.stories.telling import Telling

__all__ = ["BLOCKS", "notice", "tell_notice"]

_DS = "http://www.w3.org/2000/09/xmldsig#"
_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_RSA = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"

BLOCKS: Mapping[str, str] = {
    "Id-1": '<DLTBao Id="Id-1"><MSo>01/TB</MSo><MST>0101234567</MST><Tien>125000</Tien></DLTBao>',
    "Id-2": '<STBao Id="Id-2"><So>14TB</So><NTBao>2026-11-02T08:34:22</NTBao></STBao>',
}
"""The data and the number of the notice. The head signs the data, the authority signs both."""


def notice(signers: Mapping[str, Entity]) -> bytes:
    """Return a signed notice; the keys of ``signers`` are roles (``TTCQT``, ``CQT``)."""
    places = "".join(f"<{role}>{_signature(role, who)}</{role}>" for role, who in signers.items())
    return f"<TBao>{''.join(BLOCKS.values())}<DSCKS>{places}</DSCKS></TBao>".encode()


def _signature(role: str, who: Entity) -> str:
    own = f"{role}-Id-1"
    inner = (
        f'<SignatureProperties xmlns=""><SignatureProperty Id="Time-{own}" Target="#{own}">'
        "<SigningTime>2026-11-02T08:34:09</SigningTime></SignatureProperty></SignatureProperties>"
    )
    covered = ("Id-1",) if role == "TTCQT" else ("Id-1", "Id-2")
    held = f'<Object xmlns="{_DS}" Id="Object-{own}">{inner}</Object>'
    references = _reference(f"Object-{own}", held)
    references += "".join(_reference(name, BLOCKS[name]) for name in covered)
    info = (
        f'<CanonicalizationMethod Algorithm="{_C14N}"></CanonicalizationMethod>'
        f'<SignatureMethod Algorithm="{_RSA}"></SignatureMethod>{references}</SignedInfo>'
    )
    signed = f'<SignedInfo xmlns="{_DS}">{info}'.encode()
    value = who.private_key.sign(signed, signature_algorithm("RSA-SHA256"))
    return (
        f'<Signature xmlns="{_DS}" Id="{own}"><SignedInfo>{info}'
        f"<SignatureValue>{b64encode(value).decode()}</SignatureValue>"
        f"<KeyInfo><X509Data><X509Certificate>{b64encode(who.certificate_der).decode()}"
        f'</X509Certificate></X509Data></KeyInfo><Object Id="Object-{own}">{inner}</Object>'
        "</Signature>"
    )


def _reference(name: str, octets: str) -> str:
    digest = b64encode(sha256(octets.encode()).digest()).decode()
    return (
        f'<Reference URI="#{name}"><DigestMethod Algorithm="{_SHA256}"></DigestMethod>'
        f"<DigestValue>{digest}</DigestValue></Reference>"
    )


def tell_notice(telling: Telling, pki: FixturePKI) -> None:
    """Tell of a notice that needs two signatures, each in its own right."""
    telling.scene("A tax notice: signed by the head of the authority, then by the authority")
    number = pki.country.organisation_number(7)
    authority = ek.Identifier("VN", "MST", number)
    head = pki.employee(
        pki.country.person_number(12), number, role="head", organisation_name="CHI CỤC THUẾ MẪU"
    )
    seal = pki.organisation(number, organisation_name="CHI CỤC THUẾ MẪU")
    director = ek.Identifier("VN", "CCCD", str(head.values["person"]))
    # The container around the blocks is signed by nobody; the blocks are taken from the report.
    policy = pki.profile.policy.with_(coverage=ek.CoverageRule.ANY)

    def reports(data: bytes) -> tuple[ek.SignatureReport, ...]:
        found = ek.verify(data, profile=pki.profile, policy=policy, fetcher=pki, at=pki.now)
        return found.signatures

    def decided(data: bytes) -> Decision:
        passed = [item for item in reports(data) if item.passed]
        principals = [ek.identify(item, profile=pki.profile) for item in passed]
        wanted = {
            "TTCQT": lambda who: director in who.holders,
            "CQT": lambda who: authority in who.holders,
        }
        return signed_by(principals, wanted)

    good = notice({"TTCQT": head, "CQT": seal})
    for report in reports(good):
        role = report.id.partition("-")[0]
        telling.verified(f"the signature in the place of {role}", report)
    covered = [
        scope.octets.decode()
        for scope in reports(good)[1].signed
        if scope.octets is not None and scope.octets.startswith((b"<DLTBao", b"<STBao"))
    ]
    telling.step(
        "what the authority signed: the data and the number of the notice, octet for octet",
        holds=covered == list(BLOCKS.values()),
    )
    telling.granted("both have signed, each in the own right", decided(good))
    telling.denied("the authority alone", decided(notice({"CQT": seal})), "signer-missing")
    telling.denied(
        "the head in both places",
        decided(notice({"TTCQT": head, "CQT": head})),
        "signer-missing",
    )
    deputy = pki.employee(pki.country.person_number(13), number, role="employee")
    telling.denied(
        "an employee in the place of the head",
        decided(notice({"TTCQT": deputy, "CQT": seal})),
        "signer-missing",
    )
    changed = good.replace(b"<Tien>125000</Tien>", b"<Tien>925000</Tien>")
    telling.rejected("another amount", reports(changed)[0], "reference-digest")
