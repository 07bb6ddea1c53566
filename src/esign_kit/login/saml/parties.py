"""Who takes part: the identity provider as its metadata say, and the portal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esign_kit.keys.base import SigningKey
    from esign_kit.keys.decryption import DecryptionKey

__all__ = ["EIDAS_ATTRIBUTES", "SamlIdentityProvider", "SamlServiceProvider"]

_NATURAL = "http://eidas.europa.eu/attributes/naturalperson/"
_LEGAL = "http://eidas.europa.eu/attributes/legalperson/"

EIDAS_ATTRIBUTES: Mapping[str, str] = {
    _NATURAL + "PersonIdentifier": "eidas:person",
    _NATURAL + "CurrentFamilyName": "family",
    _NATURAL + "CurrentGivenName": "given",
    _NATURAL + "DateOfBirth": "birth_date",
    _LEGAL + "LegalPersonIdentifier": "eidas:organisation",
    _LEGAL + "LegalName": "organisation_name",
}
"""What the attributes of the eIDAS minimum data set are."""


@dataclass(frozen=True, slots=True)
class SamlIdentityProvider:
    """A provider.

    Attributes:
        entity_id: literally as in its answers.
        sso_url: where requests go.
        certificates: DER of its signing certificates, by metadata; several during a change. The
            certificates inside an answer are never looked at.
        binding: ``"redirect"`` or ``"post"``, for the request.
        attributes: attribute name to what it is: ``"<country>/<scheme>"`` for a number of the
            person, ``"organisation:<country>/<scheme>"``, ``"name"``, ``"family"``, ``"given"``,
            ``"patronymic"``, ``"birth_date"``, ``"organisation_name"``, ``"fact:<name>"`` for the
            assurance table, ``"eidas:person"``, ``"eidas:organisation"``.
        name_id: ``"<country>/<scheme>"`` where the NameID itself is the number.
        skew: how far clocks may differ.
    """

    entity_id: str
    sso_url: str
    certificates: tuple[bytes, ...] = field(repr=False)
    binding: str = "redirect"
    attributes: Mapping[str, str] = field(default_factory=dict)
    name_id: str = ""
    skew: timedelta = timedelta(seconds=60)

    def __post_init__(self) -> None:
        if self.binding not in ("redirect", "post"):
            raise ValueError("binding is redirect or post")
        if not self.certificates:
            raise ValueError("a provider needs a signing certificate")


@dataclass(frozen=True, slots=True)
class SamlServiceProvider:
    """The portal.

    Attributes:
        entity_id: the audience of assertions.
        acs_url: where answers arrive; the recipient of assertions.
        key: signs requests; ``None`` leaves them unsigned.
        decryption_key: opens encrypted assertions (``esign_kit.keys.decryption.RsaDecryptionKey``).
        context: AuthnContextClassRef values to ask for.
        comparison: ``"exact"`` or ``"minimum"``; what was given is judged in any case.
        force: ask for a fresh login.
        requested: attributes to ask for by the eIDAS extension.
        sector: ``"public"`` or ``"private"`` for the eIDAS extension; empty leaves it out.
    """

    entity_id: str
    acs_url: str
    key: SigningKey | None = field(default=None, repr=False)
    decryption_key: DecryptionKey | None = field(default=None, repr=False)
    context: tuple[str, ...] = ()
    comparison: str = "minimum"
    force: bool = False
    requested: tuple[str, ...] = ()
    sector: str = ""
