"""The same verbs for async callers: the work runs on a thread, one implementation for both.

The core is synchronous and CPU-bound; only gathering evidence waits. Running the verb on a worker
thread keeps the loop free during either, and no second implementation exists that could differ.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from esign_kit import api

if TYPE_CHECKING:
    from esign_kit.model.report import CertificateReport, VerificationReport

__all__ = ["sign", "validate_certificate", "verify"]


async def verify(signature: Any, **arguments: Any) -> VerificationReport:
    """As :func:`esign_kit.verify`."""
    return await asyncio.to_thread(api.verify, signature, **arguments)


async def validate_certificate(certificate: Any, **arguments: Any) -> CertificateReport:
    """As :func:`esign_kit.validate_certificate`."""
    return await asyncio.to_thread(api.validate_certificate, certificate, **arguments)


async def sign(document: Any, key: Any, **arguments: Any) -> bytes:
    """As :func:`esign_kit.sign`."""
    return await asyncio.to_thread(api.sign, document, key, **arguments)
