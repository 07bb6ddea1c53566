"""What a format room hands over after reading: signatures without the knowledge of XML or ASN.1.

A format knows which octets each reference covers, which octets the signature value covers and
which octets a time-stamp imprint covers. It hands over those octets; the checks hash and compare.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from esign_kit.model.quick import quick

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.model.document import Document, Scope

__all__ = [
    "CertificateReference",
    "Finding",
    "Format",
    "Packaging",
    "ParsedSignature",
    "ParsedTimestamp",
    "Purpose",
    "ReferenceKind",
    "SignedDocument",
    "SignedReference",
    "SignerHint",
    "TimestampKind",
]


class Format(StrEnum):
    """The family of signature formats."""

    XADES = "XAdES"
    CADES = "CAdES"
    PADES = "PAdES"
    JADES = "JAdES"
    RAW = "RAW"
    TIMESTAMP = "TST"


class Packaging(StrEnum):
    """Where the signed data are, seen from the signature."""

    ENVELOPED = "enveloped"
    ENVELOPING = "enveloping"
    """Inside the signature; for CMS the word is *attached* and both are understood."""
    DETACHED = "detached"
    INTERNALLY_DETACHED = "internally-detached"


class Purpose(StrEnum):
    """What a certificate or a key is used for."""

    SIGNING = "SIGNING"
    AUTHENTICATION = "AUTHENTICATION"
    TIMESTAMPING = "TIMESTAMPING"
    OCSP_SIGNING = "OCSP_SIGNING"
    CRL_SIGNING = "CRL_SIGNING"
    ENCRYPTION = "ENCRYPTION"
    ANY = "ANY"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the structure of the input that a report must say.

    Attributes:
        code: stable, for programs (``"cms.attributes-not-der"``).
        detail: for people.
        fatal: the format check fails (FORMAT_FAILURE); otherwise it is only told.
        limited: reading ended at a limit of the policy, which says nothing against the signature:
            what is fatal is then INDETERMINATE.
    """

    code: str
    detail: str
    fatal: bool = False
    limited: bool = False


class ReferenceKind(StrEnum):
    """What a reference points at."""

    DATA = "DATA"
    SIGNED_PROPERTIES = "SIGNED_PROPERTIES"
    KEY_INFO = "KEY_INFO"
    MANIFEST = "MANIFEST"
    MANIFEST_ENTRY = "MANIFEST_ENTRY"
    """An entry of a manifest that is itself covered by a MANIFEST reference."""
    COUNTERSIGNED = "COUNTERSIGNED"
    """The signature value of another signature."""
    ATTRIBUTES = "ATTRIBUTES"
    """Signature properties other than the XAdES signed properties."""


class SignedReference:
    """One thing that a signature covers by its digest.

    ``resolve`` is called once, when the reference is checked. It yields candidates, each a pair of
    the octets (or a document that is hashed in blocks) and their scope; the first whose digest
    matches counts. A format yields more than one only where the standard or wide practice knows
    two readings of the same signature, and says which one by a finding; nearly always it is one.
    Nothing yielded means that the referenced data were not found (SIGNED_DATA_NOT_FOUND).

    Attributes:
        id: position or Id, for people.
        kind: see :class:`ReferenceKind`.
        uri: the URI of the reference; ``None`` if it has none.
        digest_algorithm: name in the algorithm table; ``None`` if it is unknown there.
        digest_value: what the signature states.
        error: why the reference cannot be resolved (forbidden transform, duplicate Id, …).
        error_code: stable code of that reason.
        algorithm_label: what the signature itself calls the digest algorithm (URI or OID).
    """

    __slots__ = (
        "algorithm_label",
        "digest_algorithm",
        "digest_value",
        "error",
        "error_code",
        "id",
        "kind",
        "resolve",
        "uri",
    )

    def __init__(
        self,
        *,
        id: str,
        kind: ReferenceKind,
        digest_algorithm: str | None,
        digest_value: bytes,
        resolve: Callable[[], Iterable[tuple[bytes | Document, Scope]]],
        uri: str | None = None,
        error: str = "",
        error_code: str = "",
        algorithm_label: str = "",
    ) -> None:
        self.id = id
        self.kind = kind
        self.digest_algorithm = digest_algorithm
        self.digest_value = digest_value
        self.resolve = resolve
        self.uri = uri
        self.error = error
        self.error_code = error_code
        self.algorithm_label = algorithm_label

    def __repr__(self) -> str:
        return f"SignedReference({self.id!r}, {self.kind}, uri={self.uri!r})"


@quick
@dataclass(frozen=True, slots=True)
class CertificateReference:
    """A signed reference to a certificate: ESSCertID(v2), SigningCertificate(V2).

    ``issuer`` is the DER of the issuer's Name where the format carries DER; ``issuer_text`` the
    string form of RFC 2253/4514 where it carries text.
    """

    digest_algorithm: str | None
    digest: bytes
    issuer: bytes | None = None
    issuer_text: str | None = None
    serial: int | None = None
    version: int = 2


@quick
@dataclass(frozen=True, slots=True)
class SignerHint:
    """Unsigned pointers to the signer's certificate: CMS sid, X509IssuerSerial, KeyName, …."""

    issuer: bytes | None = None
    issuer_text: str | None = None
    serial: int | None = None
    subject_key_identifier: bytes | None = None
    key_name: str | None = None
    certificate: bytes | None = None
    """A certificate that the signature itself puts forward as the signer's (DER)."""


class TimestampKind(StrEnum):
    """What a time-stamp covers (EN 319 122-1, EN 319 132-1)."""

    CONTENT = "CONTENT"
    SIGNATURE = "SIGNATURE"
    REFERENCES = "REFERENCES"
    """Certificate and revocation references only (RefsOnlyTimeStamp)."""
    SIGNATURE_AND_REFERENCES = "SIGNATURE_AND_REFERENCES"
    ARCHIVE = "ARCHIVE"


class ParsedTimestamp:
    """A time-stamp as found in a signature.

    Attributes:
        kind: see :class:`TimestampKind`.
        token: the RFC 3161 TimeStampToken (CMS) as octets.
        imprint: returns the octets that the imprint must cover, or ``None`` where this form is
            read but not computed (then the time-stamp proves nothing).
        source: the attribute or element name, for people.
    """

    __slots__ = ("imprint", "kind", "source", "token")

    def __init__(
        self,
        *,
        kind: TimestampKind,
        token: bytes,
        imprint: Callable[[], bytes | Document | None],
        source: str = "",
    ) -> None:
        self.kind = kind
        self.token = token
        self.imprint = imprint
        self.source = source


@dataclass(slots=True)
class ParsedSignature:
    """One signature, read but not judged.

    Attributes:
        id: unique within the file: the XML Id, or ``"S-1"``, ``"S-2"``, ….
        level: the level that the *structure* has: ``"CAdES-BASELINE-B"``, ``"XAdES-BES"``,
            ``"CMS-NOT-ETSI"``, ….
        algorithm: from the table, parameters included; ``None`` if the table does not know it.
        algorithm_label: what the file calls it (OID or URI), for reports.
        signed_octets: what the signature value covers. More than one candidate only as in
            :class:`SignedReference`; the first is the form of the standard. A single
            ``Document`` where the value covers the content itself (CMS without attributes, raw).
        digest_algorithm: of the message digest, by name (CMS ``digestAlgorithm``).
        plain_signature: an (EC)DSA value stands as r ‖ s (XML, RFC 4050) and not as DER.
        certificate_references: signed references to the signer's certificate, the signer's first.
        certificate_reference_attribute: false where no signing-certificate property exists at all.
        certificates: DER of all certificates that the file carries for this signature.
        key_value: SubjectPublicKeyInfo (DER) that the file states (ds:KeyValue); a hint only.
        claimed_signing_time: from a signed property only.
        signed_attributes: other signed facts in plain data (roles, policy, place, commitments, …).
        counter_signatures: over this signature's value.
        structure: says where the signature breaks the schema of its format (empty: nowhere);
            ``None`` for a format without a schema that is checked.
    """

    id: str
    format: Format
    level: str
    packaging: Packaging | None
    algorithm: SignatureAlgorithm | None
    algorithm_label: str
    signature_value: bytes
    signed_octets: tuple[bytes | Document, ...]
    references: tuple[SignedReference, ...]
    digest_algorithm: str | None = None
    plain_signature: bool = False
    certificate_references: tuple[CertificateReference, ...] = ()
    certificate_reference_attribute: bool = False
    signer: SignerHint = field(default_factory=SignerHint)
    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsp_responses: tuple[bytes, ...] = ()
    key_value: bytes | None = None
    claimed_signing_time: datetime | None = None
    signed_attributes: Mapping[str, Any] = field(default_factory=dict)
    unsigned_attributes: Mapping[str, Any] = field(default_factory=dict)
    timestamps: tuple[ParsedTimestamp, ...] = ()
    counter_signatures: tuple[ParsedSignature, ...] = ()
    findings: tuple[Finding, ...] = ()
    structure: Callable[[], tuple[str, ...]] | None = None


@dataclass(slots=True)
class SignedDocument:
    """A file with its signatures, read but not judged.

    ``extract`` of the file's content is deliberately absent: content is reached through the scopes
    of a report, which hold what was covered and nothing else.
    """

    format: Format
    signatures: tuple[ParsedSignature, ...]
    certificates: tuple[bytes, ...] = ()
    findings: tuple[Finding, ...] = ()
