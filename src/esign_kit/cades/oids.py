"""Attribute types of CMS and CAdES as contents octets of their OIDs.

Sources: RFC 5652 § 11, RFC 5035, RFC 5126, RFC 6211, EN 319 122-1 annex D, RFC 4998.
"""

from __future__ import annotations

from esign_kit.asn1.cms import oid

_PKCS9 = "1.2.840.113549.1.9."
_AA = _PKCS9 + "16.2."

CONTENT_TYPE = oid(_PKCS9 + "3")
MESSAGE_DIGEST = oid(_PKCS9 + "4")
SIGNING_TIME = oid(_PKCS9 + "5")
COUNTER_SIGNATURE = oid(_PKCS9 + "6")
ALGORITHM_PROTECTION = oid(_PKCS9 + "52")

CONTENT_REFERENCE = oid(_AA + "10")
CONTENT_HINTS = oid(_AA + "4")
CONTENT_IDENTIFIER = oid(_AA + "7")
SIGNING_CERTIFICATE = oid(_AA + "12")
SIGNING_CERTIFICATE_V2 = oid(_AA + "47")
OTHER_SIGNING_CERTIFICATE = oid(_AA + "19")
SIGNATURE_POLICY = oid(_AA + "15")
COMMITMENT_TYPE = oid(_AA + "16")
SIGNER_LOCATION = oid(_AA + "17")
SIGNER_ATTRIBUTES = oid(_AA + "18")
SIGNER_ATTRIBUTES_V2 = oid("0.4.0.19122.1.1")
CLAIMED_SAML = oid("0.4.0.19122.1.2")
MIME_TYPE = oid("0.4.0.1733.2.1")

CONTENT_TIMESTAMP = oid(_AA + "20")
SIGNATURE_TIMESTAMP = oid(_AA + "14")
CERTIFICATE_REFERENCES = oid(_AA + "21")
REVOCATION_REFERENCES = oid(_AA + "22")
CERTIFICATE_VALUES = oid(_AA + "23")
REVOCATION_VALUES = oid(_AA + "24")
CADES_C_TIMESTAMP = oid(_AA + "25")
REFERENCES_TIMESTAMP = oid(_AA + "26")
ARCHIVE_TIMESTAMP_V1 = oid(_AA + "27")
ARCHIVE_TIMESTAMP_V2 = oid(_AA + "48")
ARCHIVE_TIMESTAMP_V3 = oid("0.4.0.1733.2.4")
LONG_TERM_VALIDATION = oid("0.4.0.1733.2.2")
ATTRIBUTE_CERTIFICATE_REFERENCES = oid(_AA + "44")
ATTRIBUTE_REVOCATION_REFERENCES = oid(_AA + "45")
SIGNATURE_POLICY_STORE = oid("0.4.0.19122.1.3")
ATS_HASH_INDEX = oid("0.4.0.1733.2.5")
ATS_HASH_INDEX_V2 = oid("0.4.0.19122.1.4")
ATS_HASH_INDEX_V3 = oid("0.4.0.19122.1.5")
EVIDENCE_RECORD_INTERNAL = oid(_AA + "49")
EVIDENCE_RECORD_EXTERNAL = oid(_AA + "50")
ADOBE_REVOCATION = oid("1.2.840.113583.1.1.8")

NAMES = {
    CONTENT_TYPE: "content-type",
    MESSAGE_DIGEST: "message-digest",
    SIGNING_TIME: "signing-time",
    COUNTER_SIGNATURE: "counter-signature",
    ALGORITHM_PROTECTION: "cms-algorithm-protection",
    CONTENT_HINTS: "content-hints",
    CONTENT_IDENTIFIER: "content-identifier",
    CONTENT_REFERENCE: "content-reference",
    SIGNING_CERTIFICATE: "signing-certificate",
    SIGNING_CERTIFICATE_V2: "signing-certificate-v2",
    OTHER_SIGNING_CERTIFICATE: "other-signing-certificate",
    SIGNATURE_POLICY: "signature-policy-identifier",
    COMMITMENT_TYPE: "commitment-type-indication",
    SIGNER_LOCATION: "signer-location",
    SIGNER_ATTRIBUTES: "signer-attributes",
    SIGNER_ATTRIBUTES_V2: "signer-attributes-v2",
    CLAIMED_SAML: "claimed-SAML-assertion",
    MIME_TYPE: "mime-type",
    CONTENT_TIMESTAMP: "content-time-stamp",
    SIGNATURE_TIMESTAMP: "signature-time-stamp",
    CERTIFICATE_REFERENCES: "complete-certificate-references",
    REVOCATION_REFERENCES: "complete-revocation-references",
    CERTIFICATE_VALUES: "certificate-values",
    REVOCATION_VALUES: "revocation-values",
    CADES_C_TIMESTAMP: "CAdES-C-timestamp",
    REFERENCES_TIMESTAMP: "time-stamped-certs-crls-references",
    ARCHIVE_TIMESTAMP_V1: "archive-time-stamp",
    ARCHIVE_TIMESTAMP_V2: "archive-time-stamp-v2",
    ARCHIVE_TIMESTAMP_V3: "archive-time-stamp-v3",
    LONG_TERM_VALIDATION: "long-term-validation",
    ATTRIBUTE_CERTIFICATE_REFERENCES: "attribute-certificate-references",
    ATTRIBUTE_REVOCATION_REFERENCES: "attribute-revocation-references",
    SIGNATURE_POLICY_STORE: "signature-policy-store",
    EVIDENCE_RECORD_INTERNAL: "evidence-record (internal)",
    EVIDENCE_RECORD_EXTERNAL: "evidence-record (external)",
    ADOBE_REVOCATION: "adbe-revocationInfoArchival",
}
"""Names of the standards, for reports."""
