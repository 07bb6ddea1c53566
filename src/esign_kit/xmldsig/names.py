"""Namespaces and identifiers of XML Signature, its transforms and XAdES."""

from __future__ import annotations

DS = "http://www.w3.org/2000/09/xmldsig#"
DS11 = "http://www.w3.org/2009/xmldsig11#"
DSIG_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
FILTER2 = "http://www.w3.org/2002/06/xmldsig-filter2"
XML = "http://www.w3.org/XML/1998/namespace"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"

SIGNATURE = f"{{{DS}}}Signature"
SIGNED_INFO = f"{{{DS}}}SignedInfo"
SIGNATURE_VALUE = f"{{{DS}}}SignatureValue"
KEY_INFO = f"{{{DS}}}KeyInfo"
OBJECT = f"{{{DS}}}Object"
MANIFEST = f"{{{DS}}}Manifest"
SIGNATURE_PROPERTIES = f"{{{DS}}}SignatureProperties"
CANONICALIZATION_METHOD = f"{{{DS}}}CanonicalizationMethod"
SIGNATURE_METHOD = f"{{{DS}}}SignatureMethod"
REFERENCE = f"{{{DS}}}Reference"
TRANSFORMS = f"{{{DS}}}Transforms"
TRANSFORM = f"{{{DS}}}Transform"
DIGEST_METHOD = f"{{{DS}}}DigestMethod"
DIGEST_VALUE = f"{{{DS}}}DigestValue"
XPATH = f"{{{DS}}}XPath"
XPATH_FILTER2 = f"{{{FILTER2}}}XPath"
INCLUSIVE_NAMESPACES = f"{{{EXC_C14N}}}InclusiveNamespaces"

C14N_10 = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_10_COMMENTS = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"
C14N_11 = "http://www.w3.org/2006/12/xml-c14n11"
C14N_11_COMMENTS = "http://www.w3.org/2006/12/xml-c14n11#WithComments"
C14N_EXCLUSIVE = EXC_C14N
C14N_EXCLUSIVE_COMMENTS = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"

T_BASE64 = DS + "base64"
T_ENVELOPED = DS + "enveloped-signature"
T_XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
T_FILTER2 = FILTER2
T_XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"

TYPE_OBJECT = DS + "Object"
TYPE_MANIFEST = DS + "Manifest"

ID_ATTRIBUTES = ("Id", "ID", "id", f"{{{XML}}}id", f"{{{WSU}}}Id", "AssertionID")
"""All spellings under which a reference finds an element; collected before any is resolved."""
