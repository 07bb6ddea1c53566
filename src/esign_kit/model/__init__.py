"""Plain frozen types: documents, signatures, evidence, reports, principals. No behaviour."""
