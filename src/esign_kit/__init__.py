"""esign_kit: who signed, on whose behalf, with what right and how surely.

The names below load on first use, so that ``import esign_kit`` costs next to nothing.
"""

from __future__ import annotations

# Checkers of types know this name; importing it from typing would cost more than all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from esign_kit import agents as agents, aio as aio, bundle as bundle, login as login
    from esign_kit._version import __version__ as __version__
    from esign_kit.api import (
        identify as identify,
        inspect as inspect,
        parse as parse,
        prepare as prepare,
        sign as sign,
        validate_certificate as validate_certificate,
        verify as verify,
    )
    from esign_kit.eid.identity import describe as describe
    from esign_kit.errors import (
        AssuranceError as AssuranceError,
        CancelledError as CancelledError,
        EsignError as EsignError,
        EvidenceError as EvidenceError,
        IdentityError as IdentityError,
        InputError as InputError,
        KeyStoreError as KeyStoreError,
        LimitError as LimitError,
        LoginError as LoginError,
        ProfileError as ProfileError,
        SignatureRejected as SignatureRejected,
        SigningError as SigningError,
        UnsupportedError as UnsupportedError,
    )
    from esign_kit.jobs import SigningJob as SigningJob
    from esign_kit.keys import (
        KeyFile as KeyFile,
        Pkcs11 as Pkcs11,
        Pkcs12 as Pkcs12,
    )
    from esign_kit.keys.base import SigningKey as SigningKey
    from esign_kit.model.document import (
        Coverage as Coverage,
        Digest as Digest,
        Document as Document,
        Scope as Scope,
    )
    from esign_kit.model.evidence import (
        FetchRequest as FetchRequest,
        FetchResponse as FetchResponse,
    )
    from esign_kit.model.limits import Limits as Limits
    from esign_kit.model.principal import (
        Assurance as Assurance,
        Identifier as Identifier,
        Level as Level,
        Mandate as Mandate,
        Organisation as Organisation,
        Person as Person,
        Principal as Principal,
    )
    from esign_kit.model.report import (
        CertificateReport as CertificateReport,
        Check as Check,
        CheckStatus as CheckStatus,
        Indication as Indication,
        SignatureReport as SignatureReport,
        SubIndication as SubIndication,
        TimestampReport as TimestampReport,
        VerificationReport as VerificationReport,
    )
    from esign_kit.model.signature import (
        Format as Format,
        Packaging as Packaging,
        Purpose as Purpose,
    )
    from esign_kit.net import HttpFetcher as HttpFetcher
    from esign_kit.profiles import profile as profile
    from esign_kit.trust.policy import (
        AlgorithmPolicy as AlgorithmPolicy,
        CertificateProfile as CertificateProfile,
        CoverageRule as CoverageRule,
        Revocation as Revocation,
        TransformRule as TransformRule,
        ValidationPolicy as ValidationPolicy,
        ValidityModel as ValidityModel,
    )
    from esign_kit.trust.store import (
        TrustAnchor as TrustAnchor,
        TrustStore as TrustStore,
    )

_HOMES = {
    "agents": "esign_kit.agents",
    "aio": "esign_kit.aio",
    "login": "esign_kit.login",
    "bundle": "esign_kit.bundle",
    # verbs
    "describe": "esign_kit.eid.identity",
    "identify": "esign_kit.api",
    "inspect": "esign_kit.api",
    "parse": "esign_kit.api",
    "prepare": "esign_kit.api",
    "profile": "esign_kit.profiles",
    "sign": "esign_kit.api",
    "validate_certificate": "esign_kit.api",
    "verify": "esign_kit.api",
    # documents and jobs
    "Document": "esign_kit.model.document",
    "Digest": "esign_kit.model.document",
    "Scope": "esign_kit.model.document",
    "Coverage": "esign_kit.model.document",
    "SigningJob": "esign_kit.jobs",
    # reports
    "CertificateReport": "esign_kit.model.report",
    "Check": "esign_kit.model.report",
    "CheckStatus": "esign_kit.model.report",
    "Indication": "esign_kit.model.report",
    "SignatureReport": "esign_kit.model.report",
    "SubIndication": "esign_kit.model.report",
    "TimestampReport": "esign_kit.model.report",
    "VerificationReport": "esign_kit.model.report",
    # signatures
    "Format": "esign_kit.model.signature",
    "Packaging": "esign_kit.model.signature",
    "Purpose": "esign_kit.model.signature",
    # trust
    "AlgorithmPolicy": "esign_kit.trust.policy",
    "CertificateProfile": "esign_kit.trust.policy",
    "CoverageRule": "esign_kit.trust.policy",
    "Limits": "esign_kit.model.limits",
    "Revocation": "esign_kit.trust.policy",
    "TransformRule": "esign_kit.trust.policy",
    "TrustAnchor": "esign_kit.trust.store",
    "TrustStore": "esign_kit.trust.store",
    "ValidationPolicy": "esign_kit.trust.policy",
    "ValidityModel": "esign_kit.trust.policy",
    # network
    "FetchRequest": "esign_kit.model.evidence",
    "FetchResponse": "esign_kit.model.evidence",
    "HttpFetcher": "esign_kit.net",
    # keys
    "KeyFile": "esign_kit.keys",
    "Pkcs11": "esign_kit.keys",
    "Pkcs12": "esign_kit.keys",
    "SigningKey": "esign_kit.keys.base",
    # identity
    "Assurance": "esign_kit.model.principal",
    "Identifier": "esign_kit.model.principal",
    "Level": "esign_kit.model.principal",
    "Mandate": "esign_kit.model.principal",
    "Organisation": "esign_kit.model.principal",
    "Person": "esign_kit.model.principal",
    "Principal": "esign_kit.model.principal",
    # errors
    "AssuranceError": "esign_kit.errors",
    "CancelledError": "esign_kit.errors",
    "EsignError": "esign_kit.errors",
    "EvidenceError": "esign_kit.errors",
    "IdentityError": "esign_kit.errors",
    "InputError": "esign_kit.errors",
    "KeyStoreError": "esign_kit.errors",
    "LimitError": "esign_kit.errors",
    "LoginError": "esign_kit.errors",
    "ProfileError": "esign_kit.errors",
    "SignatureRejected": "esign_kit.errors",
    "SigningError": "esign_kit.errors",
    "UnsupportedError": "esign_kit.errors",
    "__version__": "esign_kit._version",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'esign_kit' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(home)
    value = module if home == f"esign_kit.{name}" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
