"""ASN.1: a tolerant, bounds-checked reader over the original octets, and what is written as DER."""
