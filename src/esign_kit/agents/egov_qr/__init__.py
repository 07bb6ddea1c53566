"""eGov Mobile QR of Kazakhstan: what the application asks for, and what it brings back."""

from __future__ import annotations

from esign_kit.agents.egov_qr.offer import (
    EgovDocument,
    EgovOffer,
    EgovOrganisation,
    launch_link,
    qr_text,
)
from esign_kit.agents.egov_qr.taking import take

__all__ = ["EgovDocument", "EgovOffer", "EgovOrganisation", "launch_link", "qr_text", "take"]
