"""What the verbs take: octets, paths, documents, certificates, evidence, times – into our types."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from esign_kit.asn1.certificate import readable_certificates
from esign_kit.errors import InputError, LimitError
from esign_kit.model.document import Document
from esign_kit.model.evidence import Evidence
from esign_kit.trust.policy import Cache, ValidationPolicy
from esign_kit.trust.store import TrustStore, as_certificates

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from cryptography import x509

    from esign_kit.asn1.certificate import Certificate
    from esign_kit.model.evidence import Fetcher
    from esign_kit.model.signature import SignedDocument
    from esign_kit.profiles import Profile

    Octets = bytes | str | os.PathLike[str] | Document
    AnyCertificate = bytes | str | os.PathLike[str] | x509.Certificate | Certificate

STRICT = ValidationPolicy()


def to_profile(profile: Profile | str | None) -> Profile | None:
    """Return the profile; a name is looked up. Raises :class:`ProfileError`."""
    if isinstance(profile, str):
        from esign_kit.profiles import profile as load

        return load(profile)
    return profile


def require_kinds(
    trust: TrustStore | None, policy: ValidationPolicy | None, fetcher: Fetcher | None
) -> None:
    """Say what an argument should have been, where it would fail deep inside otherwise.

    Raises:
        TypeError: a path for a store, a name for a policy, an address for a fetcher.
    """
    if trust is not None and not isinstance(trust, TrustStore):
        raise TypeError("trust= takes a TrustStore: TrustStore.from_path(…), TrustStore([root])")
    if policy is not None and not isinstance(policy, ValidationPolicy):
        raise TypeError("policy= takes a ValidationPolicy: ValidationPolicy().with_(…)")
    if fetcher is not None and not hasattr(fetcher, "fetch"):
        raise TypeError("fetcher= takes something with fetch(), such as HttpFetcher()")


def to_document(value: Octets) -> Document:
    """Return octets, a path or a Document as a Document."""
    if isinstance(value, Document):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Document(bytes(value))
    return Document.from_path(value)


def to_documents(values: Iterable[Octets] | Octets) -> tuple[Document, ...]:
    """Return one or several of them as Documents."""
    if not values and isinstance(values, (tuple, list)):
        return ()
    if isinstance(values, (Document, bytes, bytearray, memoryview, str)) or hasattr(
        values, "__fspath__"
    ):
        return (to_document(values),)  # type: ignore[arg-type]
    return tuple([to_document(value) for value in values])


def to_signables(values: Octets | Iterable[Octets]) -> tuple[Document, ...]:
    """Return what is to be signed; raises :class:`InputError` for nothing."""
    documents = to_documents(values)
    if not documents:
        raise InputError("nothing to sign", code="signing.no-document")
    return documents


def to_octets(value: Octets, policy: ValidationPolicy) -> bytes:
    """Return the octets of a signed file; raises :class:`LimitError` over ``signature_size``."""
    if isinstance(value, bytes):
        data = value
    else:
        document = to_document(value)
        size = document.size
        if size is not None and size > policy.limits.signature_size:
            raise _too_long(size, policy)
        data = document.octets()
    if len(data) > policy.limits.signature_size:
        raise _too_long(len(data), policy)
    return data


def _too_long(size: int, policy: ValidationPolicy) -> LimitError:
    limit = policy.limits.signature_size
    return LimitError(
        f"the signature file has {size} octets; limits.signature_size is {limit}",
        hint="what is large is signed detached: the document itself has no such limit",
    )


def to_optional_octets(value: Octets | None) -> bytes | None:
    """Return the octets of an existing signed file, if there is one."""
    return None if value is None else to_octets(value, STRICT)


def to_certificates(values: Iterable[AnyCertificate]) -> tuple[Certificate, ...]:
    """Return helper certificates as our views; raises :class:`InputError`."""
    if isinstance(values, (bytes, str)) or hasattr(values, "public_bytes"):
        return as_certificates(values)
    return tuple([item for value in values for item in as_certificates(value)])


def to_evidence(values: Iterable[Octets] | Octets | Evidence, policy: ValidationPolicy) -> Evidence:
    """Sort evidence by its kind; what is none of them is as if it were not there."""
    if isinstance(values, Evidence):
        return values
    if isinstance(values, (bytes, str, Document)) or hasattr(values, "__fspath__"):
        values = (values,)  # type: ignore[assignment]
    items = []
    each: Iterable[Octets] = values  # type: ignore[assignment]
    for number, item in enumerate(each):
        if number >= policy.limits.evidence_items:
            raise LimitError("more evidence than limits.evidence_items")
        items.append(item if isinstance(item, bytes) else to_document(item).octets())
    if policy.cache is _REMEMBER and sum(map(len, items)) <= _REMEMBERED_EVIDENCE:
        return _sorted_evidence(tuple(items))
    return _sorted_evidence.__wrapped__(tuple(items))


_REMEMBER = Cache.ON
_REMEMBERED_EVIDENCE = 4 * 1024 * 1024
"""Octets of evidence above which its sorting is done again each time rather than kept."""


@lru_cache(maxsize=32)
def _sorted_evidence(items: tuple[bytes, ...]) -> Evidence:
    from esign_kit.asn1.revocation import classify

    kinds: dict[str, list[bytes]] = {"crl": [], "ocsp": [], "timestamp": [], "certificate": []}
    for item in items:
        for data in _unwrapped(item):
            kind = classify(data)
            # Rubbish proves nothing and hinders nothing: it is as if it were not there.
            if kind is not None:
                kinds[kind].append(data)
    return Evidence(
        certificates=tuple(kinds["certificate"]),
        crls=tuple(kinds["crl"]),
        ocsp_responses=tuple(kinds["ocsp"]),
        timestamps=tuple(kinds["timestamp"]),
    )


def _unwrapped(data: bytes) -> Iterable[bytes]:
    """Return the DER of all PEM blocks that can be read; everything else as it is.

    Where a block is cut, what stands before it still counts: it may say "revoked".
    """
    if data[:1] == b"\x30" or b"-----BEGIN " not in data:
        return (data,)
    from esign_kit.asn1.pem import blocks

    found: list[bytes] = []
    with suppress(InputError):
        for _, der in blocks(data):
            found.append(der)
    return found


def with_embedded(parsed: SignedDocument, given: Evidence) -> Evidence:
    """Return the evidence that the file carries, and what was given."""
    signatures = parsed.signatures
    for item in signatures:
        if item.crls or item.ocsp_responses:
            break
    else:
        return given
    crls = dict.fromkeys(crl for item in signatures for crl in item.crls)
    answers = dict.fromkeys(answer for item in signatures for answer in item.ocsp_responses)
    return Evidence(crls=tuple(crls), ocsp_responses=tuple(answers)) + given


def all_certificates(
    parsed: SignedDocument, helpers: tuple[Certificate, ...]
) -> tuple[Certificate, ...]:
    """Return every certificate of a file and the helpers."""
    ders = dict.fromkeys(parsed.certificates)
    ders.update(dict.fromkeys(der for item in parsed.signatures for der in item.certificates))
    # Only asked for with a fetcher: the paths of time-stamping authorities are completed too.
    for item in parsed.signatures:
        if item.timestamps:
            from esign_kit.validation.timestamps import certificates_of

            ders.update(dict.fromkeys(certificates_of(item.timestamps)))
    return (*readable_certificates(ders), *helpers)
