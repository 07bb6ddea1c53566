"""E-IMZO of Uzbekistan: the local service, the mobile application, and the vendor's server."""

from __future__ import annotations

from esign_kit.agents.eimzo.capiws import (
    ADDRESS,
    STATUSES,
    EimzoCertificate,
    api_key,
    create_pkcs7,
    list_all_certificates,
    load_key,
    read_answer,
    read_certificates,
    version,
)
from esign_kit.agents.eimzo.mobile import MobileCode, deep_link, mobile_code, read_code
from esign_kit.agents.eimzo.server import EimzoServer
from esign_kit.agents.eimzo.site_key import check_api_key
from esign_kit.agents.eimzo.verification import CrossChecked, ServerSigner, ServerVerification

__all__ = [
    "ADDRESS",
    "STATUSES",
    "CrossChecked",
    "EimzoCertificate",
    "EimzoServer",
    "MobileCode",
    "ServerSigner",
    "ServerVerification",
    "api_key",
    "check_api_key",
    "create_pkcs7",
    "deep_link",
    "list_all_certificates",
    "load_key",
    "mobile_code",
    "read_answer",
    "read_certificates",
    "read_code",
    "version",
]
