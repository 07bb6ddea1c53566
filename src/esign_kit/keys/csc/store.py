"""``Csc.open``: the keys of a remote signing service as a key store. Documents never leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from esign_kit import crypto
from esign_kit.algorithms import digest_algorithm, signature_algorithms
from esign_kit.asn1.algorithm_identifier import encode_signature_algorithm, split
from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.reader import read_all
from esign_kit.errors import EsignError, InputError, KeyStoreError, UnsupportedError
from esign_kit.keys.csc.client import CscClient
from esign_kit.keys.held import HeldKey
from esign_kit.keys.store import FileStore, KeyEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.crypto import PublicKey
    from esign_kit.keys.csc.client import Authorization, Credential
    from esign_kit.keys.csc.transport import Transport

__all__ = ["Csc", "RemoteKey"]

_PSS = "1.2.840.113549.1.1.10"
_RSA, _EC = "1.2.840.113549.1.1.1", "1.2.840.10045.2.1"
_LAST = ("SHA224", "SHA3-224", "SHA1", "MD5")


class Csc(FileStore):
    """The keys of one person or organisation at a remote signing service."""

    _kind = "remote signing service"

    client: CscClient

    @classmethod
    def open(
        cls,
        url: str,
        *,
        token: str | Callable[[], str] | None = None,
        credential: str | None = None,
        pin: str | Callable[[], str | None] | None = None,
        otp: str | Callable[[], str | None] | None = None,
        authorization: Callable[[Credential, Sequence[bytes]], Authorization] | None = None,
        description: str = "",
        transport: Transport | None = None,
        **client: Any,
    ) -> Self:
        """Ask a service which keys there are.

        Args:
            url: up to and with the version, ``https://service.example/csc/v2``.
            token: the access token of the service, or something that returns one.
            credential: only this key.
            pin, otp: what authorises a signature, or something that asks the person for it. A
                one-time password is asked for anew each time.
            authorization: for keys that are authorised in a browser (OAuth2): gets the credential
                and the hashes and returns what :func:`exchange_code` gave.
            description: shown to the person by the service.
            transport: see :class:`CscClient`, as are the further arguments.

        Raises:
            KeyStoreError: the service cannot be reached or refuses; the codes start with
                ``csc.``.
        """
        service = CscClient(url, token=token, transport=transport, **client)
        names = [credential] if credential is not None else service.credentials()
        way = _Way(service, pin, otp, authorization, description)
        entries: list[KeyEntry] = []
        certificates: list[Certificate] = []
        for name in names:
            found = service.credential(name)
            entry, views = _entry(way, found)
            entries.append(entry)
            certificates += views
        store = cls(entries, certificates)
        store.client = service
        return store

    def close(self) -> None:
        """Forget keys, PIN and token."""
        for entry in self.entries:
            if entry.key is not None:
                entry.key._private.way = None  # type: ignore[attr-defined]
        super().close()


class _Way:
    """How a signature is authorised; it holds the secrets and never shows them."""

    __slots__ = ("_authorization", "_description", "_otp", "_pin", "client")

    def __init__(
        self,
        client: CscClient,
        pin: str | Callable[[], str | None] | None,
        otp: str | Callable[[], str | None] | None,
        authorization: Callable[[Credential, Sequence[bytes]], Authorization] | None,
        description: str,
    ) -> None:
        self.client = client
        self._pin = pin
        self._otp = otp
        self._authorization = authorization
        self._description = description

    def authorize(
        self, credential: Credential, hashes: Sequence[bytes], digest_oid: str
    ) -> Authorization | None:
        if self._authorization is not None:
            return self._authorization(credential, hashes)
        if credential.mode.startswith("oauth2"):
            raise KeyStoreError(
                "this key is authorised in a browser",
                code="csc.oauth2",
                hint="give authorization= and use authorize_url and exchange_code",
            )
        pin = _secret(self._pin, "PIN") if credential.pin else None
        if credential.otp and credential.otp_sent:
            self.client.send_otp(credential)
        otp = _secret(self._otp, "one-time password") if credential.otp else None
        return self.client.authorize(
            credential,
            hashes,
            digest_oid=digest_oid,
            pin=pin,
            otp=otp,
            description=self._description,
        )

    def __repr__(self) -> str:
        return repr(self.client)


def _secret(source: str | Callable[[], str | None] | None, what: str) -> str:
    from esign_kit.errors import CancelledError

    if source is None:
        raise KeyStoreError(f"the service asks for a {what}", code="csc.secret-needed")
    if isinstance(source, str):
        return source
    try:
        answer = source()
    except EsignError:
        raise
    except Exception as error:
        raise KeyStoreError(
            f"asking for the {what} failed: {type(error).__name__}", code="csc.secret-needed"
        ) from None
    if not answer:
        raise CancelledError(f"no {what} was entered")
    return answer


class RemoteKey:
    """A key at the service: we hash, it signs the hash, we verify before anybody sees the value."""

    __slots__ = ("_credential", "_public", "algorithms", "way")

    def __init__(self, way: _Way, credential: Credential, public: PublicKey) -> None:
        self.way: _Way | None = way
        self._credential = credential
        self._public = public
        self.algorithms = _abilities(public, credential.algorithms)

    def sign(self, data: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """Sign one; see :meth:`sign_all`."""
        return self.sign_all([data], algorithm)[0]

    def sign_all(self, items: Sequence[bytes], algorithm: SignatureAlgorithm) -> list[bytes]:
        """Sign several with as few authorisations as the service allows.

        Each authorisation is bound to its hashes. Every value is verified with the certificate's
        key: a service that signs another hash, or with another key, is found out here.

        Raises:
            KeyStoreError: ``csc.value``: a value does not verify; others of the client.
            UnsupportedError: the key cannot do that algorithm.
        """
        way = self.way
        if way is None:
            raise KeyStoreError("this remote signing service is closed", code="keys.closed")
        how = _identifiers(algorithm, self._credential.algorithms)
        if how is None or algorithm.key_type != self._public.type or algorithm.digest is None:
            raise UnsupportedError(
                f"this key does not sign with {algorithm.name}", code="csc.algorithm"
            )
        digest = digest_algorithm(algorithm.digest)
        values: list[bytes] = []
        most = self._credential.multisign
        for start in range(0, len(items), most):
            part = items[start : start + most]
            hashes = [digest.hash(item) for item in part]
            authorization = way.authorize(self._credential, hashes, digest.oid)
            answers = way.client.sign_hashes(
                self._credential,
                authorization,
                hashes,
                digest_oid=digest.oid,
                algorithm_oid=how[0],
                parameters=how[1],
            )
            values += [
                self._checked(value, item, algorithm)
                for value, item in zip(answers, part, strict=True)
            ]
        return values

    def _checked(self, value: bytes, data: bytes, algorithm: SignatureAlgorithm) -> bytes:
        for candidate in (value, _from_plain(value) if algorithm.family == "ECDSA" else None):
            if candidate is not None and crypto.verify(self._public, algorithm, candidate, data):
                return candidate
        raise KeyStoreError(
            "the service signed something else, or with another key",
            code="csc.value",
            hint="its value does not verify with the certificate that it named before",
        )

    def __repr__(self) -> str:
        return f"<key {self._credential.id!r} at {self.way!r}>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a remote key is not pickled")


def _from_plain(value: bytes) -> bytes | None:
    try:
        return crypto.plain_to_der(value)
    except InputError:
        return None


def _entry(way: _Way, found: Credential) -> tuple[KeyEntry, list[Certificate]]:
    views: list[Certificate] = []
    try:
        views = [Certificate.load(der) for der in found.certificates]
        if not views:
            return (
                KeyEntry(
                    None, None, "", found.id, "the service names no certificate", "csc.certificate"
                ),
                views,
            )
        oid = split(read_all(views[0].spki).items()[0].raw)[0]
        private = RemoteKey(way, found, crypto.load_public_key(views[0].spki))
    except InputError as error:
        return KeyEntry(None, None, "", found.id, error.detail, "csc.certificate"), []
    if not found.enabled:
        return KeyEntry(None, views[0], oid, found.id, "the key is disabled", "csc.disabled"), views
    if not private.algorithms:
        return (
            KeyEntry(
                None, views[0], oid, found.id, "the service names no algorithm we know", "csc.algo"
            ),
            views,
        )
    chain = [view.der for view in views[1:] if not view.self_issued]
    held = HeldKey(private, views[0], chain, name=found.id)
    return KeyEntry(held, views[0], oid, found.id), views


def _identifiers(
    algorithm: SignatureAlgorithm, offered: Sequence[str]
) -> tuple[str, bytes | None] | None:
    """The ``signAlgo`` and its parameters, or ``None`` if the key is not for this."""
    if algorithm.family == "RSA-PSS":
        if _PSS not in offered:
            return None
        return _PSS, read_all(encode_signature_algorithm(algorithm)).items()[1].raw
    bare = {"RSA": _RSA, "ECDSA": _EC}.get(algorithm.family)
    if bare is None:
        return None
    for oid in algorithm.oids:
        if oid in offered:
            return oid, None
    return (bare, None) if bare in offered else None


def _abilities(key: PublicKey, offered: Sequence[str]) -> tuple[SignatureAlgorithm, ...]:
    rows = [
        row
        for row in signature_algorithms()
        if row.key_type == key.type and row.digest and _identifiers(row, offered) is not None
    ]
    if key.only is not None:
        rows = [row for row in rows if row.family == "RSA-PSS"]
    preferred = "SHA256"
    if key.type == "EC":
        preferred = "SHA512" if key.bits > 384 else "SHA384" if key.bits > 256 else "SHA256"
    return tuple(
        sorted(
            rows,
            key=lambda row: (row.digest in _LAST, row.family == "RSA-PSS", row.digest != preferred),
        )
    )
