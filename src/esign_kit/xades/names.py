"""Namespaces and identifiers of XAdES in its versions (TS 101 903, EN 319 132-1)."""

from __future__ import annotations

V111 = "http://uri.etsi.org/01903/v1.1.1#"
V122 = "http://uri.etsi.org/01903/v1.2.2#"
V132 = "http://uri.etsi.org/01903/v1.3.2#"
V141 = "http://uri.etsi.org/01903/v1.4.1#"

MAIN = (V132, V122, V111)
"""Namespaces in which a QualifyingProperties may stand."""

QUALIFYING = frozenset(f"{{{namespace}}}QualifyingProperties" for namespace in MAIN)
SIGNED_PROPERTIES = frozenset(f"{{{namespace}}}SignedProperties" for namespace in MAIN)
COUNTER_SIGNATURE = frozenset(f"{{{namespace}}}CounterSignature" for namespace in MAIN)

TYPE_SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
SIGNED_PROPERTIES_TYPES = frozenset(
    (
        TYPE_SIGNED_PROPERTIES,
        V111 + "SignedProperties",
        V122 + "SignedProperties",
        V132 + "SignedProperties",
    )
)
