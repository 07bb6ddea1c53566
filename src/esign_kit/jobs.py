"""Signing in two steps: a job holds the octets to be signed and all that is needed to finish.

The job is JSON, so that it survives a redirect, a queue or a restart. It holds no secret. A value
that does not fit the certificate is refused before anything is assembled.
"""

from __future__ import annotations

import json
from binascii import Error, a2b_base64, b2a_base64
from typing import TYPE_CHECKING, Any

from esign_kit import crypto
from esign_kit.algorithms import SignatureAlgorithm, signature_algorithm, signature_algorithms
from esign_kit.asn1.algorithm_identifier import (
    decode_signature_algorithm,
    encode_signature_algorithm,
)
from esign_kit.asn1.certificate import Certificate
from esign_kit.errors import EsignError, InputError, SigningError, UnsupportedError
from esign_kit.model.signature import Packaging, Purpose
from esign_kit.model.signing import BuildState, SigningRequest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from types import ModuleType

    from esign_kit.keys.base import SigningKey
    from esign_kit.model.document import Document
    from esign_kit.profiles import Profile

__all__ = ["SigningJob"]

_SCHEMA = "esign-kit/job/1"
_PACKAGINGS = {
    "attached": Packaging.ENVELOPING,
    "enveloping": Packaging.ENVELOPING,
    "enveloped": Packaging.ENVELOPED,
    "detached": Packaging.DETACHED,
    "internally-detached": Packaging.INTERNALLY_DETACHED,
}


class SigningJob:
    """A signature that lacks only its value.

    Attributes:
        format: ``"cades"``, ``"xades"`` or ``"raw"``.
        to_be_signed: the exact octets that the key must sign.
        algorithm: what the key must do with them.
        certificate: DER of the certificate that was fixed in the signature.
        summary: what is being signed, for people: name, size and SHA-256 of each document.
    """

    __slots__ = ("_fields", "algorithm", "certificate", "format", "summary", "to_be_signed")

    def __init__(
        self,
        format: str,
        state: BuildState,
        algorithm: SignatureAlgorithm,
        certificate: bytes,
        summary: list[dict[str, Any]],
    ) -> None:
        self.format = format
        self.to_be_signed = state.to_be_signed
        self._fields = state.fields
        self.algorithm = algorithm
        self.certificate = certificate
        self.summary = summary

    @property
    def digest(self) -> bytes | None:
        """Digest of ``to_be_signed`` for keys that take one; ``None`` where the key must hash."""
        if self.algorithm.digest is None:
            return None
        from esign_kit.algorithms import digest_algorithm

        return digest_algorithm(self.algorithm.digest).hash(self.to_be_signed)

    def to_json(self) -> str:
        """Return the job as JSON text."""
        algorithm: dict[str, Any] = {"name": self.algorithm.name}
        if self.algorithm.family == "RSA-PSS":
            algorithm["identifier"] = _base64(encode_signature_algorithm(self.algorithm))
        return json.dumps(
            {
                "schema": _SCHEMA,
                "format": self.format,
                "algorithm": algorithm,
                "certificate": _base64(self.certificate),
                "to_be_signed": _base64(self.to_be_signed),
                "summary": self.summary,
                "fields": _to_json(self._fields),
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> SigningJob:
        """Read a job back.

        Raises:
            InputError: it is none, or of another version.
        """
        try:
            data = json.loads(text)
            if not isinstance(data, dict) or data.get("schema") != _SCHEMA:
                raise InputError("this is no signing job of this version", code="job.malformed")
            algorithm = data["algorithm"]
            table = (
                decode_signature_algorithm(a2b_base64(algorithm["identifier"]))
                if "identifier" in algorithm
                else signature_algorithm(algorithm["name"])
            )
            if table is None or data["format"] not in ("cades", "xades", "raw"):
                raise InputError("this signing job cannot be read", code="job.malformed")
            return cls(
                data["format"],
                BuildState(a2b_base64(data["to_be_signed"]), _from_json(data["fields"])),
                table,
                a2b_base64(data["certificate"]),
                data["summary"],
            )
        except (ValueError, KeyError, TypeError, Error, RecursionError) as error:
            raise InputError("this signing job cannot be read", code="job.malformed") from error

    def complete(self, value: bytes) -> bytes:
        """Second step: put the signature value in and return the signed file.

        Args:
            value: what the key answered. For ECDSA both DER and r ‖ s are understood.

        Raises:
            SigningError: the value is not a signature over ``to_be_signed`` by the certificate's
                key; nothing is assembled then.
        """
        certificate = Certificate.load(self.certificate)
        key = crypto.load_public_key(certificate.spki)
        if not _verifies(key, self.algorithm, value, self.to_be_signed):
            converted = _from_plain(self.algorithm, value)
            if converted is None or not _verifies(
                key, self.algorithm, converted, self.to_be_signed
            ):
                raise SigningError(
                    f"the signature value does not fit the certificate of {certificate.label} "
                    "and the octets of this job",
                    code="signing.value-mismatch",
                    hint="another key signed, or other octets, or with another algorithm than "
                    + self.algorithm.name,
                )
            value = converted
        state = BuildState(self.to_be_signed, self._fields)
        return bytes(_builder(self.format).assemble(state, value))

    def __repr__(self) -> str:
        return f"SigningJob({self.format}, {self.algorithm.name}, {len(self.to_be_signed)} octets)"


def _verifies(
    key: crypto.PublicKey, algorithm: SignatureAlgorithm, value: bytes, data: bytes
) -> bool:
    try:
        return crypto.verify(key, algorithm, value, data)
    except EsignError:
        return False


def _from_plain(algorithm: SignatureAlgorithm, value: bytes) -> bytes | None:
    if algorithm.family != "ECDSA":
        return None
    try:
        return crypto.plain_to_der(value)
    except EsignError:
        return None


def prepare_with_key(
    documents: tuple[Document, ...],
    key: SigningKey,
    *,
    options: Mapping[str, Any],
    **arguments: Any,
) -> SigningJob:
    """Prepare a job for a key at hand; its certificate and chain are taken from it."""
    options = dict(options)
    if key.purpose is Purpose.AUTHENTICATION and not options.pop("authentication_key", False):
        raise SigningError(
            "this key is for authentication, not for signing",
            code="signing.authentication-key",
            hint="choose the key with find(purpose=Purpose.SIGNING)",
        )
    options.pop("authentication_key", None)
    name = options.pop("algorithm", None)
    if name is None:
        algorithm = key.algorithms[0]
    else:
        algorithm = _named(name)
        if not any(_same(algorithm, own) for own in key.algorithms):
            raise UnsupportedError(
                f"this key cannot do {algorithm.name}; it can do "
                + ", ".join(own.name for own in key.algorithms),
                code="signing.algorithm",
            )
    chain = tuple(key.chain_der) if options.pop("include_chain", True) else ()
    return prepare_job(
        documents,
        certificate=key.certificate_der,
        chain=chain,
        algorithm=algorithm,
        options=options,
        **arguments,
    )


def prepare_job(
    documents: tuple[Document, ...],
    *,
    certificate: bytes,
    chain: tuple[bytes, ...],
    format: str,
    packaging: str,
    level: str,
    profile: Profile | None,
    existing: bytes | None,
    now: datetime,
    options: Mapping[str, Any],
    algorithm: SignatureAlgorithm | None = None,
) -> SigningJob:
    """Build everything but the value."""
    rest = dict(options)
    placement = _PACKAGINGS.get(str(packaging))
    if placement is None:
        raise UnsupportedError(
            f"no packaging {packaging!r}; there are {', '.join(_PACKAGINGS)}",
            code="signing.packaging",
        )
    if level != "B":
        raise UnsupportedError(f"level {level} is not built yet; B is", code="signing.level")
    builder = _builder(format)
    name = rest.pop("algorithm", None)
    rest.pop("include_chain", None)
    if algorithm is None:
        algorithm = _named(name) if name is not None else _default(certificate)
    signing_time = rest.pop("signing_time", now)
    if signing_time is not None and signing_time.tzinfo is None:
        raise ValueError("signing_time= needs a time zone")
    conventions = getattr(profile, "signing_options", None)
    if conventions is not None:
        rest = {**conventions(format), **rest}
    state = builder.prepare(
        SigningRequest(
            documents=documents,
            certificate=certificate,
            algorithm=algorithm,
            packaging=placement,
            level=level,
            chain=chain,
            signing_time=signing_time,
            existing=existing,
            options=rest,
        )
    )
    return SigningJob(format, state, algorithm, certificate, [_summary(d) for d in documents])


def _summary(document: Document) -> dict[str, Any]:
    known = document.digests
    return {
        "name": document.name,
        "size": document.size,
        "digests": {name: value.hex() for name, value in known.items()},
    }


def _builder(format: str) -> ModuleType:
    if format == "cades":
        from esign_kit.cades import build as cades

        return cades
    if format == "xades":
        from esign_kit.xades import build as xades

        return xades
    if format == "raw":
        from esign_kit.raw import build as raw

        return raw
    raise UnsupportedError(
        f"no format {format!r}; there are cades, xades and raw", code="signing.format"
    )


def _named(name: str | SignatureAlgorithm) -> SignatureAlgorithm:
    return name if isinstance(name, SignatureAlgorithm) else signature_algorithm(name)


def _same(left: SignatureAlgorithm, right: SignatureAlgorithm) -> bool:
    return left == right or (left.family == right.family and left.digest == right.digest)


def _default(certificate: bytes) -> SignatureAlgorithm:
    """The algorithm that a key of this type is asked for when nobody named one."""
    key = crypto.load_public_key(Certificate.load(certificate).spki)
    if key.only is not None and key.only.digest is not None:
        return key.only
    if key.type == "RSA":
        return signature_algorithm("RSA-SHA256" if key.only is None else "RSA-PSS-SHA256")
    if key.type == "EC":
        size = 256 if key.bits <= 256 else 384 if key.bits <= 384 else 512
        return signature_algorithm(f"ECDSA-SHA{size}")
    for algorithm in signature_algorithms():
        if algorithm.key_type == key.type:
            return algorithm
    raise UnsupportedError(f"no signature algorithm for a {key.type} key", code="signing.algorithm")


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode("ascii")


def _to_json(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return {"\u0000b64": _base64(bytes(value))}
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(key): _to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    if value is None or isinstance(value, (str, int, bool)):
        return value
    raise TypeError(f"a job cannot hold {type(value).__name__}")


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"\u0000b64"}:
            return a2b_base64(value["\u0000b64"])
        return {key: _from_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_from_json(item) for item in value]
    return value
