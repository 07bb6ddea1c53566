"""Report values as plain data, and certificates out of their octets when somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esign_kit.errors import InputError

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["certificate_facts", "label_of", "load_certificate", "plain"]


def load_certificate(der: bytes) -> x509.Certificate:
    """Return the certificate as an object of ``cryptography``.

    Raises:
        InputError: ``cryptography`` refuses its DER; the octets are still in the ``_der`` field.
    """
    from cryptography import x509 as _x509

    try:
        return _x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise InputError(f"cryptography does not load this certificate: {error}") from error


def certificate_facts(der: bytes) -> dict[str, Any]:
    """Return a certificate as plain data; of one that cannot be read, its octets and why."""
    from binascii import b2a_base64
    from hashlib import sha256

    facts: dict[str, Any] = {
        "sha256": sha256(der).hexdigest(),
        "der": b2a_base64(der, newline=False).decode("ascii"),
    }
    from esign_kit.asn1.certificate import Certificate

    try:
        view = Certificate.load(der)
        facts.update(
            subject=view.subject_text,
            issuer=view.issuer_text,
            serial=format(view.serial, "x"),
            not_before=view.not_before_time.isoformat(),
            not_after=view.not_after_time.isoformat(),
        )
    except InputError as error:
        facts["error"] = error.detail
    return facts


def label_of(der: bytes) -> str:
    """Return the most telling attribute of a certificate's subject; raises :class:`InputError`."""
    from esign_kit.asn1.certificate import Certificate

    return Certificate.load(der).label


def plain(value: Any) -> Any:
    """Return a value as data that ``json.dumps`` takes: octets as hex, times in ISO 8601."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)
