"""XAdES signatures: reading and building (EN 319 132-1; TS 101 903 is read)."""
