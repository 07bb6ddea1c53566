"""Raw signatures: a value, a certificate and a document, without a container."""
