"""CMS and CAdES signatures: ``parse`` reads them, ``build`` makes them (RFC 5652, EN 319 122)."""
