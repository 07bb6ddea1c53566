"""How much work one input may cost. Everything here is read and compared before the work starts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds; every one can be changed by name with :meth:`with_`.

    Sizes are octets, times are seconds. The defaults are those of the threat model: generous for
    real documents, small against hostile ones.
    """

    signature_size: int = 64 * 1024 * 1024
    """Octets of a signature file that is held in memory (a detached document may be larger)."""
    asn1_depth: int = 64
    asn1_elements: int = 500_000
    xml_depth: int = 256
    xml_elements: int = 2_000_000
    xml_attributes: int = 512
    references: int = 1024
    """References of one signature. What they may cost together is bounded by the size of the file,
    so this only bounds their number."""
    transforms: int = 8
    manifest_entries: int = 256
    xpath_operations: int = 4_000_000
    """Nodes × steps that an XPath transform may visit before it is given up."""
    signatures: int = 128
    """Signers of one file, counter-signatures included."""
    certificates: int = 1024
    """Certificates in one signature, helpers included."""
    extensions: int = 64
    timestamps: int = 64
    path_length: int = 16
    path_candidates: int = 100
    """Certificate paths tried for one certificate."""
    signature_checks: int = 200
    """Public-key operations spent on building one path."""
    name_constraint_checks: int = 100_000
    policy_nodes: int = 4_000
    crl_size: int = 128 * 1024 * 1024
    ocsp_size: int = 1024 * 1024
    evidence_items: int = 1024
    """CRLs and OCSP responses, and again the answers in all the responses."""
    slow_hash_size: int = 4 * 1024 * 1024
    """Octets that a digest without native code (a national one) may be asked to hash."""
    kdf_iterations: int = 10_000_000
    """Rounds of PBKDF2 or of a PKCS#12 MAC that a key file may ask for."""
    kdf_memory: int = 256 * 1024 * 1024
    key_file_size: int = 16 * 1024 * 1024
    key_checks: int = 512
    """Cost of checking the private keys of one file, in checks of an RSA-1024 key; it grows with
    the third power of the length, so this allows 64 keys of 2048 bits or one of 8192."""
    fetches: int = 8
    fetch_depth: int = 4
    fetch_seconds: float = 20.0

    def with_(self, **changes: Any) -> Limits:
        """Return a copy with the named limits changed; raises ``TypeError`` for an unknown name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        unknown = changes.keys() - values.keys()
        if unknown:
            raise TypeError(f"no such limit: {', '.join(sorted(unknown))}")
        return Limits(**{**values, **changes})
