"""What may stand in which element: XML Signature 1.1 and XAdES 1.1.1 to 1.4.1, as one table.

A line says what an element holds, then its attributes: ``Name = children ; attributes``. Children
are written as in a regular expression (``a b? (c | d)+``); ``name:Type`` where the same name means
different things in different places; ``other`` is an element of another namespace and ``any`` one
of any namespace. ``mixed`` lets text stand between them, ``text`` and the lexical types stand for a
value without children. ``Name!`` is an attribute that must be there. A line that begins with ``:``
is a type without a global element, ``= :Type`` an element of that type. Names without a prefix are
of the table's own namespace.
"""

from __future__ import annotations

from esign_kit.xades.names import V111, V122, V132, V141
from esign_kit.xmldsig.names import DS, DS11, EXC_C14N, FILTER2

__all__ = ["PREFIXES", "TABLES"]

PREFIXES = {"ds": DS, "ds11": DS11, "ec": EXC_C14N, "f2": FILTER2, "x": V132}

# XML Signature 1.1 § 4 to § 6, and its schema; § 4.5 for the elements of 2009.
_DS = """
Signature = SignedInfo SignatureValue KeyInfo? Object* ; Id:id
SignatureValue = base64 ; Id:id
SignedInfo = CanonicalizationMethod SignatureMethod Reference+ ; Id:id
CanonicalizationMethod = mixed any* ; Algorithm!:uri
SignatureMethod = mixed HMACOutputLength:integer? other* ; Algorithm!:uri
Reference = Transforms? DigestMethod DigestValue ; Id:id URI:uri Type:uri
Transforms = Transform+
Transform = mixed (other | XPath:text)* ; Algorithm!:uri
DigestMethod = mixed other* ; Algorithm!:uri
DigestValue = base64
KeyInfo = mixed (KeyName|KeyValue|RetrievalMethod|X509Data|PGPData|SPKIData|MgmtData|other)+ ; Id:id
KeyName = text
MgmtData = text
KeyValue = mixed (DSAKeyValue | RSAKeyValue | other)
RetrievalMethod = Transforms? ; URI:uri Type:uri
X509Data = (X509IssuerSerial:IssuerSerial | X509SKI:base64 | X509SubjectName:text
    | X509Certificate:base64 | X509CRL:base64 | other)+
:IssuerSerial = X509IssuerName:text X509SerialNumber:integer
PGPData = (PGPKeyID:base64 PGPKeyPacket:base64? | PGPKeyPacket:base64) other*
SPKIData = (SPKISexp:base64 other?)+
Object = mixed any* ; Id:id MimeType:text Encoding:uri
Manifest = Reference+ ; Id:id
SignatureProperties = SignatureProperty+ ; Id:id
SignatureProperty = mixed other+ ; Target!:uri Id:id
DSAKeyValue = (P:base64 Q:base64)? G:base64? Y:base64 J:base64? (Seed:base64 PgenCounter:base64)?
RSAKeyValue = Modulus:base64 Exponent:base64
"""

_DS11 = """
ECKeyValue = (ECParameters:anything | NamedCurve) PublicKey:base64 ; Id:id
NamedCurve = ; URI!:uri
DEREncodedKeyValue = base64 ; Id:id
KeyInfoReference = ; URI!:uri Id:id
X509Digest = base64 ; Algorithm!:uri
"""

_FILTER2 = "XPath = text ; Filter!:filter"
_EXC_C14N = "InclusiveNamespaces = ; PrefixList:text"

# What all versions of XAdES have in common (TS 101 903 § 7, EN 319 132-1 § 5).
_COMMON = """
QualifyingProperties = SignedProperties? UnsignedProperties? ; Target!:uri Id:id
UnsignedProperties = UnsignedSignatureProperties? UnsignedDataObjectProperties? ; Id:id
SigningTime = dateTime
SigningCertificate = Cert:CertID+
SignaturePolicyIdentifier = SignaturePolicyId:PolicyId | SignaturePolicyImplied:anything
:PolicyId = SigPolicyId:Identified ds:Transforms? SigPolicyHash:Digest
    SigPolicyQualifiers:Qualifiers?
:Qualifiers = SigPolicyQualifier:Any+
SPURI = uri
SPUserNotice = NoticeRef:NoticeRef? ExplicitText:text?
:NoticeRef = Organization:text NoticeNumbers:Numbers
:Numbers = int:integer*
SignatureProductionPlace = City:text? StateOrProvince:text? PostalCode:text? CountryName:text?
:ClaimedRoles = ClaimedRole:Any+
:CertifiedRoles = CertifiedRole:Encapsulated+
DataObjectFormat = Description:text? ObjectIdentifier? MimeType:text? Encoding:uri?
    ; ObjectReference!:uri
:CommitmentQualifiers = CommitmentTypeQualifier:Any*
ObjectIdentifier = :Identified
:Identified = Identifier:Identifier Description:text? DocumentationReferences:References?
:Identifier = uri ; Qualifier:qualifier
:References = DocumentationReference:uri+
:CertRefsV1 = Cert:CertID+
:CertRefs = CertRefs:CertRefsV1 ; Id:id
CompleteCertificateRefs = :CertRefs
:RevocationRefs = CRLRefs:CRLRefs? OCSPRefs:OCSPRefs? OtherRefs:OtherRefs? ; Id:id
CompleteRevocationRefs = :RevocationRefs
:CRLRefs = CRLRef:CRLRef+
:CRLRef = DigestAlgAndValue:Digest CRLIdentifier:CRLIdentifier?
:CRLIdentifier = Issuer:text IssueTime:dateTime Number:integer? ; URI:uri
:OCSPRefs = OCSPRef:OCSPRef+
:OCSPRef = OCSPIdentifier:OCSPIdentifier DigestAlgAndValue:Digest?
:OCSPIdentifier = ResponderID:ResponderID ProducedAt:dateTime ; URI:uri
:OtherRefs = OtherRef:Any+
:Certificates = (EncapsulatedX509Certificate:Encapsulated | OtherCertificate:Any)* ; Id:id
CertificateValues = :Certificates
:Revocation = CRLValues:CRLValues? OCSPValues:OCSPValues? OtherValues:OtherValues? ; Id:id
RevocationValues = :Revocation
:CRLValues = EncapsulatedCRLValue:Encapsulated+
:OCSPValues = EncapsulatedOCSPValue:Encapsulated+
:OtherValues = OtherValue:Any+
AllDataObjectsTimeStamp = :Stamp
IndividualDataObjectsTimeStamp = :Stamp
SignatureTimeStamp = :Stamp
SigAndRefsTimeStamp = :Stamp
RefsOnlyTimeStamp = :Stamp
ArchiveTimeStamp = :Stamp
"""

# Before 1.3.2 the unsigned properties stood in one order, and time-stamps were made otherwise.
_OLD = """
SignedProperties = SignedSignatureProperties SignedDataObjectProperties? ; Id:id
SignedDataObjectProperties = DataObjectFormat* CommitmentTypeIndication* AllDataObjectsTimeStamp*
    IndividualDataObjectsTimeStamp*
UnsignedDataObjectProperties = UnsignedDataObjectProperty:Any*
SignerRole = ClaimedRoles:ClaimedRoles? CertifiedRoles:CertifiedRoles?
CommitmentTypeIndication = CommitmentTypeId:Identified (ObjectReference:uri* |
    AllSignedDataObjects:anything) CommitmentTypeQualifiers:CommitmentQualifiers?
CounterSignature = ds:Signature
:Encapsulated = base64 ; Id:id
:ResponderID = text
"""

_V111 = (
    _COMMON
    + _OLD
    + """
:Any = mixed any ; *
SignedSignatureProperties = SigningTime SigningCertificate SignaturePolicyIdentifier
    SignatureProductionPlace? SignerRole?
UnsignedSignatureProperties = CounterSignature* SignatureTimeStamp* CompleteCertificateRefs?
    CompleteRevocationRefs? (SigAndRefsTimeStamp* | RefsOnlyTimeStamp*) CertificateValues?
    RevocationValues? ArchiveTimeStamp*
QualifyingPropertiesReference = Transforms:Transforms? ; URI!:uri Id:id
:Transforms = ds:Transform+
:CertID = CertDigest:Digest IssuerSerial:ds:IssuerSerial
:Digest = DigestMethod:DigestMethod DigestValue:base64
:DigestMethod = mixed other* ; Algorithm!:uri
:Stamp = HashDataInfo:HashDataInfo+ (EncapsulatedTimeStamp:Encapsulated | XMLTimeStamp:Any)
:HashDataInfo = Transforms:Transforms? ; uri!:uri
"""
)

_V122 = (
    _COMMON
    + _OLD
    + """
:Any = mixed any* ; *
SignedSignatureProperties = SigningTime? SigningCertificate? SignaturePolicyIdentifier?
    SignatureProductionPlace? SignerRole?
UnsignedSignatureProperties = CounterSignature* SignatureTimeStamp* CompleteCertificateRefs?
    CompleteRevocationRefs? AttributeCertificateRefs? AttributeRevocationRefs?
    (SigAndRefsTimeStamp* | RefsOnlyTimeStamp*) CertificateValues? RevocationValues?
    ArchiveTimeStamp*
AttributeCertificateRefs = :CertRefs
AttributeRevocationRefs = :RevocationRefs
QualifyingPropertiesReference = ds:Transforms? ; URI!:uri Id:id
:CertID = CertDigest:Digest IssuerSerial:ds:IssuerSerial ; URI:uri
:Digest = ds:DigestMethod ds:DigestValue
:Stamp = Include:Include+ ds:CanonicalizationMethod?
    (EncapsulatedTimeStamp:Encapsulated | XMLTimeStamp:Any) ; Id:id
:Include = ; URI!:uri referencedData:boolean
"""
)

_V132 = (
    _COMMON
    + """
:Any = mixed any* ; *
SignedProperties = SignedSignatureProperties? SignedDataObjectProperties? ; Id:id
SignedSignatureProperties = SigningTime? SigningCertificate? SigningCertificateV2?
    SignaturePolicyIdentifier? SignatureProductionPlace? SignatureProductionPlaceV2? SignerRole?
    SignerRoleV2? other* ; Id:id
SignedDataObjectProperties = DataObjectFormat* CommitmentTypeIndication* AllDataObjectsTimeStamp*
    IndividualDataObjectsTimeStamp* other* ; Id:id
UnsignedSignatureProperties = (CounterSignature | SignatureTimeStamp | CompleteCertificateRefs
    | CompleteRevocationRefs | AttributeCertificateRefs | AttributeRevocationRefs
    | SigAndRefsTimeStamp | RefsOnlyTimeStamp | CertificateValues | RevocationValues
    | AttrAuthoritiesCertValues | AttributeRevocationValues | ArchiveTimeStamp | other)+ ; Id:id
UnsignedDataObjectProperties = UnsignedDataObjectProperty:Any+ ; Id:id
QualifyingPropertiesReference = ; URI!:uri Id:id
SigningCertificateV2 = Cert:CertIDV2+
:CertID = CertDigest:Digest IssuerSerial:ds:IssuerSerial ; URI:uri
:CertIDV2 = CertDigest:Digest IssuerSerialV2:base64? ; URI:uri
:CertRefsV2 = Cert:CertIDV2+
:Digest = ds:DigestMethod ds:DigestValue
SignatureProductionPlaceV2 = City:text? StreetAddress:text? StateOrProvince:text? PostalCode:text?
    CountryName:text?
ClaimedRoles = ClaimedRole:Any+
SignerRole = ClaimedRoles? CertifiedRoles:CertifiedRoles?
SignerRoleV2 = ClaimedRoles? CertifiedRolesV2? SignedAssertions?
CertifiedRolesV2 = CertifiedRole:CertifiedRoleV2+
:CertifiedRoleV2 = X509AttributeCertificate:Encapsulated | OtherAttributeCertificate:Any
SignedAssertions = SignedAssertion:Any+
CommitmentTypeIndication = CommitmentTypeId:Identified (ObjectReference:uri+ |
    AllSignedDataObjects:anything) CommitmentTypeQualifiers:CommitmentQualifiers?
CounterSignature = ds:Signature ; Id:id
:Encapsulated = base64 ; Id:id Encoding:uri
:ResponderID = ByName:text | ByKey:base64
AttributeCertificateRefs = :CertRefs
AttributeRevocationRefs = :RevocationRefs
AttrAuthoritiesCertValues = :Certificates
AttributeRevocationValues = :Revocation
:Stamp = Include* ds:CanonicalizationMethod?
    (EncapsulatedTimeStamp:Encapsulated | XMLTimeStamp:Any)+ ; Id:id
Include = ; URI!:uri referencedData:boolean
"""
)

# EN 319 132-1 § 5.2.10, § 5.5.2 and annexes A and B.
_V141 = """
:ValidationData = x:CertificateValues? x:RevocationValues? ; Id:id URI:uri
TimeStampValidationData = :ValidationData
AnyValidationData = :ValidationData
SPDocSpecification = :x:Identified
SignaturePolicyStore = SPDocSpecification
    (SignaturePolicyDocument:base64 | SigPolDocLocalURI:uri) ; Id:id
RenewedDigests = ds:DigestMethod RecomputedDigestValue:Recomputed+ ; Id:id
:Recomputed = base64 ; Order!:integer
RenewedDigestsV2 = ds:CanonicalizationMethod ds:DigestMethod
    RecomputedDigestValue:RecomputedV2+ ; Id:id
:RecomputedV2 = NewSDODigestValue:base64 OriginalRefDigest:base64
ArchiveTimeStamp = :x:Stamp
SigAndRefsTimeStampV2 = :x:Stamp
RefsOnlyTimeStampV2 = :x:Stamp
:CertRefsV2 = CertRefs:x:CertRefsV2 ; Id:id
CompleteCertificateRefsV2 = :CertRefsV2
AttributeCertificateRefsV2 = :CertRefsV2
"""

TABLES = {
    DS: _DS,
    DS11: _DS11,
    FILTER2: _FILTER2,
    EXC_C14N: _EXC_C14N,
    V111: _V111,
    V122: _V122,
    V132: _V132,
    V141: _V141,
}
