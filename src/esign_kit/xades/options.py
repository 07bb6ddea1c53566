"""What a caller may ask of an XAdES signature, and the signed properties that come of it."""

from __future__ import annotations

from binascii import b2a_base64
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from esign_kit.algorithms import digest_algorithm
from esign_kit.errors import SigningError
from esign_kit.xmldsig import Canonicalization, canonicalization, names as ds
from esign_kit.xmldsig.builder import attribute_text, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from esign_kit.algorithms import DigestAlgorithm

__all__ = ["OPTIONS", "Options", "properties_xml"]

OPTIONS = frozenset(
    {
        "canonicalization",
        "commitments",
        "digest",
        "embed_xml",
        "id",
        "location_xpath",
        "manifest",
        "media_type",
        "namespace_prefix",
        "place",
        "policy",
        "profile_conventions",
        "roles",
        "signed_info_canonicalization",
        "transforms",
        "xades",
    }
)
"""Names that ``SigningRequest.options`` may hold for XAdES:

``transforms``
    how an enveloped signature leaves itself out: ``"filter2"`` (the default: XPath Filter 2 that
    subtracts all signatures, so that more can be added), ``"xpath"`` (the same in XPath 1.0) or
    ``"enveloped"`` (only itself; a signature added later by the same means covers this one).
``canonicalization``, ``signed_info_canonicalization``
    URI for the data (Canonical XML 1.0 for an enveloped document, exclusive elsewhere) and for
    ds:SignedInfo (exclusive).
``digest``
    name of the digest of the references; that of the signature algorithm if left out.
``roles``
    claimed roles, text or a sequence of texts.
``policy``
    mapping with ``id`` (OID or URI), ``digest_algorithm``, ``digest`` (octets or hex), optional
    ``uri``, ``description``.
``commitments``
    names (``"proof-of-origin"``, ``"proof-of-approval"``, …), OIDs or URIs.
``place``
    mapping with ``country``, ``city``, ``state``, ``postal_code``, ``street``.
``media_type``
    of all documents; each document's own if left out.
``manifest``
    true: the documents are listed in a ds:Manifest, and that is signed.
``embed_xml``
    true: an enveloping or internally detached signature holds XML as XML and not as base64.
``location_xpath``
    which element of an enveloped document holds the signature; its end, as for the root.
``namespace_prefix``, ``id``
    of the ds:Signature.
``xades``
    false: a plain XML signature without signed properties.
``profile_conventions``
    ``"kz"``: as the tools of Kazakhstan write it: plain, enveloped, Canonical XML 1.0 with
    comments for the document and without for ds:SignedInfo.
"""

_COMMITMENTS = {
    f"proof-of-{word}": f"http://uri.etsi.org/01903/v1.2.2#ProofOf{word.capitalize()}"
    for word in ("origin", "receipt", "delivery", "sender", "approval", "creation")
}
_CONVENTIONS: Mapping[str, Mapping[str, Any]] = {
    "kz": {
        "transforms": "enveloped",
        "canonicalization": ds.C14N_10_COMMENTS,
        "signed_info_canonicalization": ds.C14N_10,
        "xades": False,
    }
}
_TRANSFORMS = ("filter2", "xpath", "enveloped")
_PREFIX_FORBIDDEN = frozenset(" \t\r\n:<>&'\"/=")


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one signature, checked; see :data:`OPTIONS`."""

    canonicalization: str
    signed_info_canonicalization: str
    data_method: Canonicalization
    info_method: Canonicalization
    transforms: str = "filter2"
    digest: str | None = None
    roles: tuple[str, ...] = ()
    policy: Mapping[str, Any] | None = None
    commitments: tuple[str, ...] = ()
    place: Mapping[str, Any] | None = None
    media_type: str | None = None
    manifest: bool = False
    embed_xml: bool = False
    location_xpath: str | None = None
    namespace_prefix: str = "ds"
    id: str | None = None
    xades: bool = True

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Options:
        """Check the options of a request.

        Raises:
            SigningError: an unknown option, or a value that it cannot have.
        """
        if not given:
            return _defaults()
        return cls._of(given)

    @classmethod
    def _of(cls, given: Mapping[str, Any]) -> Options:
        unknown = given.keys() - OPTIONS
        if unknown:
            raise SigningError(
                f"XAdES has no option {', '.join(sorted(unknown))}",
                code="signing.option",
                hint="known are " + ", ".join(sorted(OPTIONS)),
            )
        values = dict(given)
        conventions = values.pop("profile_conventions", None)
        if conventions is not None and conventions is not False:
            preset = _CONVENTIONS.get(str(conventions))
            if preset is None:
                raise SigningError(
                    f"no XML conventions {conventions!r}; there are {', '.join(_CONVENTIONS)}",
                    code="signing.option",
                )
            values = {**preset, **values}
        values.setdefault("canonicalization", ds.C14N_10)
        values.setdefault("signed_info_canonicalization", ds.C14N_EXCLUSIVE)
        values["data_method"] = _method(values["canonicalization"])
        values["info_method"] = _method(values["signed_info_canonicalization"])
        values["roles"] = _several(values.get("roles"))
        values["commitments"] = _several(values.get("commitments"))
        options = cls(**values)
        _check(options)
        return options


@lru_cache(maxsize=1)
def _defaults() -> Options:
    return Options._of({})


def _check(options: Options) -> None:
    if options.transforms not in _TRANSFORMS:
        raise SigningError(
            f"transforms={options.transforms!r}; there are {', '.join(_TRANSFORMS)}",
            code="signing.option",
        )
    prefix, name = options.namespace_prefix, options.id
    if not prefix or not prefix.isidentifier() or prefix in ("xml", "xmlns", "xades"):
        raise SigningError(f"{prefix!r} is no prefix", code="signing.option")
    if name is not None and (not name or _PREFIX_FORBIDDEN & set(name)):
        raise SigningError(f"{name!r} is no Id", code="signing.option")


def _method(uri: str) -> Canonicalization:
    method = canonicalization(uri)
    if method is None:
        raise SigningError(f"no canonicalisation {uri!r}", code="signing.option")
    return method


def _several(value: str | Iterable[Any] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value)


def properties_xml(
    identifier: str,
    certificate: bytes,
    signing_time: datetime | None,
    digest: DigestAlgorithm,
    options: Options,
    formats: list[tuple[str, str]],
    prefix: str,
) -> str:
    """Write the xades:SignedProperties in the order of the schema (EN 319 132-1 annex C).

    Args:
        formats: Id of each reference to data, with the media type.
        prefix: of the XML Signature namespace.
    """
    parts = []
    if signing_time is not None:
        from datetime import UTC

        moment = signing_time.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"
        parts.append(f"<xades:SigningTime>{moment}</xades:SigningTime>")
    parts.append(
        "<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
        f"{_certificate_digest_xml(certificate, digest.name, prefix)}"
        "</xades:CertDigest></xades:Cert></xades:SigningCertificateV2>"
    )
    try:
        if options.policy is not None:
            parts.append(_policy_xml(options.policy, prefix))
        if options.place is not None:
            parts.append(_place_xml(options.place))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SigningError(
            f"an option cannot be written: {error}", code="signing.option"
        ) from error
    if options.roles:
        roles = "".join(f"<xades:ClaimedRole>{text(r)}</xades:ClaimedRole>" for r in options.roles)
        parts.append(
            f"<xades:SignerRoleV2><xades:ClaimedRoles>{roles}</xades:ClaimedRoles>"
            "</xades:SignerRoleV2>"
        )
    data = [
        f'<xades:DataObjectFormat ObjectReference="#{attribute_text(reference)}">'
        f"<xades:MimeType>{text(media_type)}</xades:MimeType></xades:DataObjectFormat>"
        for reference, media_type in dict(formats).items()
    ]
    data += [_commitment_xml(name) for name in options.commitments]
    objects = ""
    if data:
        objects = (
            f"<xades:SignedDataObjectProperties>{''.join(data)}</xades:SignedDataObjectProperties>"
        )
    return (
        f'<xades:SignedProperties Id="{attribute_text(identifier)}">'
        f"<xades:SignedSignatureProperties>{''.join(parts)}</xades:SignedSignatureProperties>"
        f"{objects}</xades:SignedProperties>"
    )


@lru_cache(maxsize=64)
def _certificate_digest_xml(certificate: bytes, name: str, prefix: str) -> str:
    """The same for every signature of a signer."""
    digest = digest_algorithm(name)
    return _digest_xml(digest, digest.hash(certificate), prefix)


def _digest_xml(digest: DigestAlgorithm, value: bytes, prefix: str) -> str:
    encoded = b2a_base64(value, newline=False).decode("ascii")
    return (
        f'<{prefix}:DigestMethod Algorithm="{digest.uri}"></{prefix}:DigestMethod>'
        f"<{prefix}:DigestValue>{encoded}</{prefix}:DigestValue>"
    )


def _identifier_xml(name: str) -> str:
    if name and name[0].isdigit() and all(part.isdigit() for part in name.split(".")):
        return f'<xades:Identifier Qualifier="OIDAsURN">urn:oid:{name}</xades:Identifier>'
    return f"<xades:Identifier>{text(name)}</xades:Identifier>"


def _policy_xml(policy: Mapping[str, Any], prefix: str) -> str:
    if policy.get("implied"):
        inner = "<xades:SignaturePolicyImplied></xades:SignaturePolicyImplied>"
        return f"<xades:SignaturePolicyIdentifier>{inner}</xades:SignaturePolicyIdentifier>"
    digest = digest_algorithm(policy["digest_algorithm"])
    value = policy["digest"]
    octets = bytes.fromhex(value) if isinstance(value, str) else bytes(value)
    description = policy.get("description")
    described = f"<xades:Description>{text(description)}</xades:Description>" if description else ""
    qualifiers = ""
    if policy.get("uri"):
        qualifiers = (
            "<xades:SigPolicyQualifiers><xades:SigPolicyQualifier>"
            f"<xades:SPURI>{text(policy['uri'])}</xades:SPURI>"
            "</xades:SigPolicyQualifier></xades:SigPolicyQualifiers>"
        )
    return (
        "<xades:SignaturePolicyIdentifier><xades:SignaturePolicyId><xades:SigPolicyId>"
        f"{_identifier_xml(str(policy['id']))}{described}</xades:SigPolicyId>"
        f"<xades:SigPolicyHash>{_digest_xml(digest, octets, prefix)}</xades:SigPolicyHash>"
        f"{qualifiers}</xades:SignaturePolicyId></xades:SignaturePolicyIdentifier>"
    )


_PLACE = (
    ("city", "City"),
    ("street", "StreetAddress"),
    ("state", "StateOrProvince"),
    ("postal_code", "PostalCode"),
    ("country", "CountryName"),
)


def _place_xml(place: Mapping[str, Any]) -> str:
    unknown = place.keys() - {key for key, _ in _PLACE}
    if unknown:
        raise ValueError(f"place has no {', '.join(sorted(unknown))}")
    inner = "".join(
        f"<xades:{name}>{text(place[key])}</xades:{name}>" for key, name in _PLACE if place.get(key)
    )
    return f"<xades:SignatureProductionPlaceV2>{inner}</xades:SignatureProductionPlaceV2>"


def _commitment_xml(name: str) -> str:
    return (
        "<xades:CommitmentTypeIndication><xades:CommitmentTypeId>"
        f"{_identifier_xml(_COMMITMENTS.get(name, name))}</xades:CommitmentTypeId>"
        "<xades:AllSignedDataObjects></xades:AllSignedDataObjects>"
        "</xades:CommitmentTypeIndication>"
    )
