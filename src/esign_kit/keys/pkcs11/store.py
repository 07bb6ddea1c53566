"""``Pkcs11.open``: the keys of a token as a key store."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

from esign_kit.algorithms import digest_algorithm
from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.reader import BIT_STRING, INTEGER, SEQUENCE, read, read_all
from esign_kit.errors import InputError, KeyStoreError, UnsupportedError
from esign_kit.keys.held import HeldKey
from esign_kit.keys.pkcs11.mechanisms import LARGE, abilities, plan_for
from esign_kit.keys.pkcs11.module import Module
from esign_kit.keys.pkcs11.pin import Pin
from esign_kit.keys.pkcs11.session import TokenSession
from esign_kit.keys.pkcs11.uri import Pkcs11Uri
from esign_kit.keys.store import FileStore, KeyEntry, chain_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from esign_kit.algorithms import SignatureAlgorithm
    from esign_kit.crypto import PublicKey
    from esign_kit.keys.pkcs11.mechanisms import Plan
    from esign_kit.keys.pkcs11.module import ObjectInfo
    from esign_kit.keys.pkcs11.pin import PinPrompt

__all__ = ["MODULE_VARIABLE", "Pkcs11"]

MODULE_VARIABLE = "ESIGN_PKCS11_MODULE"
"""Environment variable with the path of the module, where neither caller nor URI names one."""


class Pkcs11(FileStore):
    """The keys of a token or HSM; a context manager.

    Safe for threads and after ``fork``: every process has one session with a token, whoever opened
    it, and opens it again where it was lost.
    """

    _kind = "token"

    _session: TokenSession | None = None

    @classmethod
    def open(
        cls,
        uri: str | Pkcs11Uri | None = None,
        *,
        module: str | os.PathLike[str] | None = None,
        token: str | None = None,
        serial: str | None = None,
        pin: str | Callable[[PinPrompt], str | None] | None = None,
        pin_file: str | os.PathLike[str] | None = None,
        pin_variable: str | None = None,
        certificates: Iterable[bytes | Certificate] = (),
    ) -> Self:
        """Open a token and log in.

        Args:
            uri: a PKCS#11 URI (RFC 7512); the arguments below win over what it says. ``object``
                and ``id`` narrow the keys that the store shows.
            module: path of the PKCS#11 module; else the URI's ``module-path``, else the variable
                ``ESIGN_PKCS11_MODULE``.
            token: label of the token.
            serial: its serial number, if labels are not unique.
            pin: the PIN, or something that asks for it; it is called with a ``PinPrompt`` and may
                answer ``None`` to cancel. A device with its own keypad needs none.
            pin_file: a file whose first line is the PIN.
            pin_variable: name of an environment variable that holds it.
            certificates: DER, for tokens that hold bare keys.

        Raises:
            KeyStoreError: ``keys.uri keys.pin-in-uri keys.no-pkcs11 keys.module
                keys.token-absent keys.token-ambiguous keys.pin-needed keys.pin-source
                keys.pin-wrong keys.pin-locked keys.pin-expired keys.token``. With
                ``keys.pin-wrong`` the attribute ``tries`` says ``few`` or ``last`` where the
                token tells.
            CancelledError: nobody entered a PIN.
        """
        wanted = Pkcs11Uri.parse(uri) if isinstance(uri, str) else uri or Pkcs11Uri()
        if token is not None:
            wanted = wanted.with_(token=token)
        if serial is not None:
            wanted = wanted.with_(serial=serial)
        if pin is None and pin_file is None and pin_variable is None:
            pin_file = wanted.pin_source
        path = os.fspath(module) if module is not None else wanted.module_path
        path = path or os.environ.get(MODULE_VARIABLE)
        if not path:
            raise KeyStoreError(
                "no PKCS#11 module is named",
                code="keys.module",
                hint=f"give module=, module-path= in the URI, or set {MODULE_VARIABLE}",
            )
        session = TokenSession.acquire(
            Module.load(path), wanted, Pin(pin, file=pin_file, variable=pin_variable)
        )
        try:
            store = cls(*_contents(session, wanted, _views(certificates)))
        except BaseException:
            session.release()
            raise
        store._session = session
        return store

    @property
    def token(self) -> str:
        """Label of the token."""
        return self._session.token.label if self._session is not None else ""

    @property
    def serial(self) -> str:
        """Serial number of the token."""
        return self._session.token.serial if self._session is not None else ""

    def close(self) -> None:
        """Let go of the token; the last store of this process that has it open logs out."""
        session, self._session = self._session, None
        for entry in self.entries:
            if entry.key is not None:
                entry.key._private.forget()  # type: ignore[attr-defined]
        super().close()
        if session is not None:
            session.release()


class TokenKey:
    """A private key that stays on its token."""

    __slots__ = ("_info", "_last", "_public", "_session", "_way", "algorithms")

    def __init__(self, session: TokenSession, info: ObjectInfo, public: PublicKey) -> None:
        self._session: TokenSession | None = session
        self._info = info
        self._public = public
        # A key is asked for one algorithm over and over; what that takes is prepared once.
        self._last: SignatureAlgorithm | None = None
        self._way: Callable[[bytes], bytes] | None = None
        self.algorithms = abilities(public, session.mechanisms)

    def sign(self, data: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """Sign; the value in the encoding of CMS.

        Raises:
            KeyStoreError: the token did not sign; see :meth:`TokenSession.sign`.
            UnsupportedError: it cannot do that algorithm.
        """
        way = self._way
        if way is not None and algorithm is self._last and len(data) <= LARGE:
            return way(data)
        session = self._session
        if session is None:
            raise KeyStoreError("this token is closed", code="keys.closed")
        plan = plan_for(algorithm, self._public, session.mechanisms, len(data))
        if plan is None:
            raise UnsupportedError(
                f"this token does not sign with {algorithm.name}",
                code="keys.mechanism",
                hint="it can do " + ", ".join(row.name for row in self.algorithms),
            )
        way = prepared(plan, session, self._info)
        if len(data) <= LARGE:
            # The algorithm last: another thread that sees it finds the way that belongs to it.
            self._last = None
            self._way = way
            self._last = algorithm
        return way(data)

    def forget(self) -> None:
        """Let go of the session; the key signs no more."""
        self._session = self._last = self._way = None

    def __repr__(self) -> str:
        return f"<key {self._info.label!r} on {self._session!r}>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a key on a token is not pickled; open the token where it is needed")


def prepared(plan: Plan, session: TokenSession, info: ObjectInfo) -> Callable[[bytes], bytes]:
    """Return the one function that a signature by this plan takes."""
    arguments = session.arguments(plan)
    sign = session.sign
    if plan.digest is None:
        if plan.pair:
            return lambda data: pair_to_der(sign(info, data, arguments))
        return lambda data: sign(info, data, arguments)
    new: Any = digest_algorithm(plan.digest).new
    prefix, most = plan.prefix, plan.most
    if prefix:
        return lambda data: sign(info, prefix + new(data).digest(), arguments)
    if not plan.pair:
        return lambda data: sign(info, new(data).digest(), arguments)
    return lambda data: pair_to_der(sign(info, new(data).digest()[:most], arguments))


def pair_to_der(value: bytes) -> bytes:
    """Return the DER SEQUENCE of r and s for r ‖ s.

    The same as ``crypto.plain_to_der`` without numbers in between: this is paid by each signature.
    """
    half = len(value) >> 1
    r = value[:half].lstrip(b"\0")
    s = value[half:].lstrip(b"\0")
    if not r or not s or len(value) & 1:
        raise KeyStoreError("the token answered with no signature value", code="keys.token")
    if r[0] > 127:
        r = b"\0" + r
    if s[0] > 127:
        s = b"\0" + s
    body = b"\x02%c%b\x02%c%b" % (len(r), r, len(s), s)
    if len(body) > 127:
        return b"\x30\x81%c%b" % (len(body), body)
    return b"\x30%c%b" % (len(body), body)


def _views(certificates: Iterable[bytes | Certificate]) -> list[Certificate]:
    return [
        item if isinstance(item, Certificate) else Certificate.load(bytes(item))
        for item in certificates
    ]


def _contents(
    session: TokenSession, wanted: Pkcs11Uri, given: list[Certificate]
) -> tuple[list[KeyEntry], list[Certificate]]:
    objects = session.objects()
    named: list[tuple[bytes, Certificate]] = []
    for item in objects:
        if item.kind != "certificate" or not item.value:
            continue
        try:
            named.append((item.id, Certificate.load(item.value)))
        except InputError:
            continue
    named += [(b"", view) for view in given]
    certificates = [view for _, view in named]
    points = {item.id: item.public for item in objects if item.kind == "public" and item.public}
    keys = [
        item
        for item in objects
        if item.kind == "private" and item.signs and wanted.matches_object(item.label, item.id)
    ]
    keys.sort(key=lambda item: (item.id, item.label))
    only = len(keys) == 1 and len(given) == 1
    entries = []
    for item in keys:
        public = item.public or points.get(item.id, b"")
        view, problem, code = _certificate_of(item, public, named)
        if view is None and only and not public:
            # Nothing to compare with; a signature that does not fit is refused when it is made.
            view, problem, code = given[0], "", ""
        entries.append(_entry(session, item, view, certificates, problem, code))
    return entries, certificates


def _certificate_of(
    key: ObjectInfo, public: bytes, named: list[tuple[bytes, Certificate]]
) -> tuple[Certificate | None, str, str]:
    """The certificate over this key; of renewed ones the latest is meant."""
    same = [view for identifier, view in named if key.id and identifier == key.id]
    if public:
        fitting = [view for view in same if _public_octets(view) == public] or [
            view for _, view in named if _public_octets(view) == public
        ]
        if not fitting and same:
            return (
                None,
                "the certificate with the key's identifier is over another key",
                "keys.certificate-mismatch",
            )
    else:
        fitting = same
    if not fitting:
        return None, "no certificate fits this private key", "keys.no-certificate"
    return max(fitting, key=lambda view: view.not_after), "", ""


def _entry(
    session: TokenSession,
    item: ObjectInfo,
    view: Certificate | None,
    certificates: list[Certificate],
    problem: str,
    code: str,
) -> KeyEntry:
    from esign_kit import crypto

    if view is None:
        return KeyEntry(None, None, "", item.label, problem, code)
    oid = _key_oid(view)
    try:
        private = TokenKey(session, item, crypto.load_public_key(view.spki))
    except InputError as error:
        return KeyEntry(None, view, oid, item.label, error.detail, "keys.unsupported-key")
    if not private.algorithms:
        return KeyEntry(
            None,
            view,
            oid,
            item.label,
            "the token offers no mechanism that we know for this key",
            "keys.mechanism",
        )
    held = HeldKey(private, view, chain_of(view, certificates), name=item.label)
    return KeyEntry(held, view, oid, item.label)


def _key_oid(view: Certificate) -> str:
    from esign_kit.asn1.algorithm_identifier import split

    return split(read_all(view.spki).items()[0].raw)[0]


def _public_octets(view: Certificate) -> bytes:
    """Modulus or point of a certificate's key, as a token gives them."""
    try:
        bits = read_all(view.spki).expect(SEQUENCE).items()[1].expect(BIT_STRING).contents[1:]
        if bits[:1] == b"\x30":
            modulus = next(iter(read(bits)))
            if modulus.tag == INTEGER:
                return modulus.contents.lstrip(b"\0")
    except (InputError, IndexError, StopIteration):
        return b""
    return bits
