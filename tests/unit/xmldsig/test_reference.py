"""Where references lead, how much they cover, and what the structure of a signature must be."""

from __future__ import annotations

import base64
import hashlib

import pytest

from esign_kit.errors import InputError, LimitError
from esign_kit.model.document import Document
from esign_kit.model.limits import Limits
from esign_kit.model.signature import Packaging, ReferenceKind
from esign_kit.trust.policy import ValidationPolicy
from esign_kit.xades.parse import parse
from esign_kit.xmldsig import names
from tests.unit.xmldsig.helpers import covered, fatal, signatures, states
from tests.unit.xmldsig.test_transforms import EMPTY, SHA256, reference, signature, transform

POLICY = ValidationPolicy()


def digest(octets: bytes) -> str:
    return base64.b64encode(hashlib.sha256(octets).digest()).decode()


def one(source: str, *detached: Document) -> list[str]:
    (read,) = signatures(source.encode(), POLICY, detached)
    return states(read)


@pytest.mark.parametrize(
    "attributes",
    ['Id="x"', 'ID="x"', 'id="x"', 'xml:id="x"', f'xmlns:w="{names.WSU}" w:Id="x"',
     'AssertionID="x"'],
)  # fmt: skip
def test_every_kind_of_id_is_found(attributes: str) -> None:
    source = f"<r><a {attributes}/>{signature(reference('#x'))}</r>"
    assert one(source) == ["MISMATCH"]


@pytest.mark.parametrize("other", ['Id="x"', 'ID="x"', 'id="x"', 'xml:id="x"', 'Id="&#120;"'])
def test_two_holders_of_an_id_are_an_error_whichever_way_it_is_spelt(other: str) -> None:
    source = f"<r><a Id='x'/><b {other}/>{signature(reference('#x'))}</r>"
    (read,) = signatures(source.encode(), POLICY)
    assert states(read) == ["xml.duplicate-id"]
    assert fatal(read) == ["xml.duplicate-id"]


def test_two_holders_of_an_id_nobody_refers_to_are_ordinary() -> None:
    source = f"<r><a Id='y'/><b Id='y'/><c Id='x'/>{signature(reference('#x'))}</r>"
    (read,) = signatures(source.encode(), POLICY)
    assert states(read) == ["MISMATCH"]
    assert not fatal(read)


@pytest.mark.parametrize("uri", ["#nowhere", "#", "#x y"])
def test_an_id_that_is_not_there(uri: str) -> None:
    assert one(f"<r>{signature(reference(uri))}</r>") == ["NOT FOUND"]


def test_percent_encoded_ids() -> None:
    source = "<r><a Id='имя'/>" + signature(reference("#%D0%B8%D0%BC%D1%8F")) + "</r>"
    assert one(source) == ["MISMATCH"]


@pytest.mark.parametrize(
    "uri", ["#xpointer(//a)", "#xpointer(id('x')/b)", "#xpointer(here())", "#xpointer(/a)"]
)
def test_other_xpointers_are_refused(uri: str) -> None:
    assert one(f"<r><a Id='x'/>{signature(reference(uri))}</r>") == ["reference.xpointer"]


@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1/x", "file:///etc/hostname", "/etc/hostname", "../d.txt", "d.txt?x=1",
     "D.TXT", "./d.txt"],
)  # fmt: skip
def test_outside_names_are_names_among_the_callers_documents(uri: str) -> None:
    assert one(signature(reference(uri)), Document(b"x", name="d.txt")) == ["NOT FOUND"]
    exact = signature(reference(uri, digest=digest(b"x")))
    assert one(exact, Document(b"x", name=uri)) == ["OK FULL"]


def test_nameless_documents() -> None:
    first, second = Document(b"1"), Document(b"2")
    for uri in ("d.txt", None):
        source = signature(reference(uri, digest=digest(b"2")))
        assert one(source, first, second) == ["OK FULL"]
        assert one(source, first) == ["MISMATCH"]
        assert one(source) == ["NOT FOUND"]


def test_a_named_document_wins_over_nameless_ones() -> None:
    source = signature(reference("d.txt", digest=digest(b"2")))
    assert one(source, Document(b"1", name="d.txt"), Document(b"2")) == ["MISMATCH"]


def test_escaped_names() -> None:
    source = signature(reference("a%20%D1%8F.txt", digest=digest(b"x")))
    assert one(source, Document(b"x", name="a я.txt")) == ["OK FULL"]


def test_a_document_of_which_only_a_digest_is_known() -> None:
    source = signature(reference("d", digest=digest(b"x")))
    known = {"SHA256": hashlib.sha256(b"x").digest()}
    assert one(source, Document.from_digests(known, name="d")) == ["OK DIGEST"]
    other = Document.from_digests({"SHA512": b"x" * 64}, name="d")
    assert one(source, other) == ["input.digest-only-document"]
    assert one(signature(reference("d", transform(names.T_BASE64))), other) == ["NOT FOUND"]


OBJECT = '<ds:Object Id="o">{}</ds:Object>'


@pytest.mark.parametrize(
    ("document", "uri", "octets", "coverage"),
    [
        ("<r>{}</r>", "", b"<r></r>", "FULL"),
        ("<r Id='x'>{}</r>", "#x", b'<r Id="x"></r>', "FULL"),
        ("<r><a Id='x'/>{}</r>", "#x", b'<a Id="x"></a>', "PARTIAL"),
        ("<r><w Id='x'>{}</w></r>", "#x", b'<w Id="x"></w>', "PARTIAL"),
        ("<internally-detached><a Id='x'/>{}</internally-detached>", "#x", b'<a Id="x"></a>',
         "FULL"),
        ("<internally-detached b=''><a Id='x'/>{}</internally-detached>", "#x", b'<a Id="x"></a>',
         "PARTIAL"),
        ("<internally-detached>t<a Id='x'/>{}</internally-detached>", "#x", b'<a Id="x"></a>',
         "PARTIAL"),
        ("<internally-detached><a Id='x'/>{}<b/></internally-detached>", "#x", b'<a Id="x"></a>',
         "PARTIAL"),
    ],
)  # fmt: skip
def test_coverage(document: str, uri: str, octets: bytes, coverage: str) -> None:
    made = signature(reference(uri, transform(names.T_ENVELOPED), digest=digest(octets)))
    assert one(document.format(made)) == [f"OK {coverage}"]


def test_coverage_of_objects() -> None:
    inside = f'<ds:Object xmlns:ds="{names.DS}" Id="o">hi</ds:Object>'.encode()
    made = signature(reference("#o", digest=digest(inside)), objects=OBJECT.format("hi"))
    assert one(made) == ["OK OBJECT"]
    only = '<ds:Object><p Id="p"/></ds:Object>'
    element = b'<p xmlns:ds="%s" Id="p"></p>' % names.DS.encode()
    assert one(signature(reference("#p", digest=digest(element)), objects=only)) == ["OK OBJECT"]
    beside = '<ds:Object><p Id="p"/><q/></ds:Object>'
    made = signature(reference("#p", digest=digest(element)), objects=beside)
    assert one(made) == ["OK PARTIAL"]


def test_an_object_of_another_signature_is_a_part() -> None:
    other = signature(reference("#x"), objects=OBJECT.format("hi"), identifier="s1")
    made = signature(reference("#o"), identifier="s2")
    _, second = signatures(f"<r>{other}{made}</r>".encode(), POLICY)
    for _, scope in second.references[0].resolve():
        assert scope.coverage == "PARTIAL"


@pytest.mark.parametrize(
    ("source", "packaging"),
    [
        ("<r>{}</r>", Packaging.ENVELOPED),
        ("{}", Packaging.DETACHED),
        ("<r><a Id='x'/>{}</r>", Packaging.INTERNALLY_DETACHED),
    ],
)
def test_packaging(source: str, packaging: Packaging) -> None:
    uri = {"enveloped": "", "detached": "d.txt"}.get(str(packaging), "#x")
    (read,) = signatures(source.format(signature(reference(uri))).encode(), POLICY)
    assert read.packaging is packaging


def test_enveloping() -> None:
    made = signature(reference("#o"), objects=OBJECT.format("x"))
    (read,) = signatures(made.encode(), POLICY)
    assert read.packaging is Packaging.ENVELOPING


# ── manifests ─────────────────────────────────────────────────────────────────────────────────


def manifest(*entries: str) -> str:
    held = f'<ds:Object><ds:Manifest Id="m">{"".join(entries)}</ds:Manifest></ds:Object>'
    kind = f' Type="{names.TYPE_MANIFEST}"'
    return signature(reference("#m", more=kind), objects=held)


def test_entries_of_a_manifest_are_references() -> None:
    made = manifest(reference("a", digest=digest(b"1")), reference("b"), reference("c"))
    documents = [Document(b"1", name="a"), Document(b"2", name="b")]
    (read,) = signatures(made.encode(), POLICY, documents)
    kinds = [r.kind for r in read.references]
    assert kinds == [ReferenceKind.MANIFEST] + [ReferenceKind.MANIFEST_ENTRY] * 3
    assert states(read)[1:] == ["OK FULL", "MISMATCH", "NOT FOUND"]
    assert read.packaging is Packaging.DETACHED


def test_a_manifest_may_not_have_too_many_entries() -> None:
    made = manifest(*[reference("a")] * 5)
    policy = POLICY.with_(limits=Limits(manifest_entries=4))
    (read,) = signatures(made.encode(), policy)
    assert fatal(read) == ["xml.too-many-manifest-entries"]


def test_a_manifest_that_was_moved_deeper_is_not_there() -> None:
    made = manifest(reference("a")).replace("<ds:Manifest", "<w><ds:Manifest")
    made = made.replace("</ds:Manifest>", "</ds:Manifest></w>")
    (read,) = signatures(made.encode(), POLICY, [Document(b"1", name="a")])
    assert states(read) == ["reference.manifest-misplaced"]


def test_a_broken_manifest_is_fatal() -> None:
    (read,) = signatures(manifest("<ds:Other/>").encode(), POLICY)
    assert fatal(read) == ["xml.manifest"]


# ── structure ─────────────────────────────────────────────────────────────────────────────────

GOOD = f"<r>{signature(reference('', transform(names.T_ENVELOPED)))}</r>"
INFO = GOOD[GOOD.index("<ds:SignedInfo>") : GOOD.index("</ds:SignedInfo>") + 16]
VALUE = '<ds:SignatureValue Id="value-">AAAA</ds:SignatureValue>'
REFERENCE = reference("", transform(names.T_ENVELOPED))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (INFO, INFO * 2, "xml.signature-structure"),
        (INFO, "", "xml.signature-structure"),
        (VALUE, VALUE * 2, "xml.signature-structure"),
        (VALUE, "", "xml.signature-structure"),
        (INFO + VALUE, VALUE + INFO, "xml.signature-structure"),
        (VALUE, VALUE + "<ds:Object/><ds:KeyInfo/>", "xml.signature-structure"),
        (VALUE, VALUE + "<x/>", "xml.signature-structure"),
        (VALUE, VALUE + "text", "xml.signature-structure"),
        (">AAAA<", "><", "xml.signature-structure"),
        (">AAAA<", ">AA<!--x-->AA<", "xml.value-not-plain"),
        (">AAAA<", ">AA<b/>AA<", "xml.value-not-plain"),
        (">AAAA<", ">not base64<", "xml.base64"),
        (EMPTY, EMPTY + "<!-- x -->", "xml.value-not-plain"),
        (EMPTY, "<!-- x -->" + EMPTY, "xml.value-not-plain"),
        (EMPTY, "*", "xml.base64"),
        (REFERENCE, "", "xml.no-reference"),
        (REFERENCE, REFERENCE + "<ds:Other/>", "xml.signature-structure"),
        ("<ds:DigestValue>", "<ds:DigestValue/><ds:DigestValue>", "xml.reference-structure"),
        (f'<ds:DigestMethod Algorithm="{SHA256}"/>', "", "xml.reference-structure"),
        (names.C14N_EXCLUSIVE, "urn:unknown", "xml.canonicalization"),
        (names.C14N_EXCLUSIVE, names.T_XSLT, "xml.canonicalization"),
    ],
)
def test_a_signature_is_as_the_schema_says(old: str, new: str, code: str) -> None:
    assert GOOD.count(old) >= 1
    (read,) = signatures(GOOD.replace(old, new, 1).encode(), POLICY)
    assert code in fatal(read)


def test_comments_and_space_between_elements_are_ordinary() -> None:
    spaced = GOOD.replace("><ds:", ">\n <!-- c --> <ds:")
    (read,) = signatures(spaced.encode(), POLICY)
    assert not fatal(read)


def test_too_many_references() -> None:
    most = POLICY.limits.references
    for number, found in ((most, []), (most + 1, ["xml.too-many-references"])):
        source = f"<r>{signature(*[reference('')] * number)}</r>"
        (read,) = signatures(source.encode(), POLICY)
        assert fatal(read) == found


def test_too_many_signatures() -> None:
    with pytest.raises(LimitError):
        policy = POLICY.with_(limits=Limits(signatures=3))
        signatures(f"<r>{signature(reference('')) * 4}</r>".encode(), policy)


@pytest.mark.parametrize(
    "source",
    ["<r/>", f"<r>{GOOD[3:-4].replace(names.DS, 'urn:other')}</r>", "<Signature/>"],
)
def test_no_signature_at_all(source: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(source.encode(), detached=(), policy=POLICY)
    assert caught.value.code == "input.no-signature"


@pytest.mark.parametrize(
    "method",
    ["http://www.w3.org/2000/09/xmldsig#hmac-sha1", "urn:unknown", "",
     "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"],
)  # fmt: skip
def test_algorithms_that_the_table_does_not_know(method: str) -> None:
    rsa = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    (read,) = signatures(GOOD.replace(rsa, method).encode(), POLICY)
    assert read.algorithm is None
    assert read.algorithm_label == method


def test_a_truncated_value_has_no_algorithm() -> None:
    rsa = '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"'
    short = f"{rsa}><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>"
    (read,) = signatures(GOOD.replace(rsa + "/>", short).encode(), POLICY)
    assert read.algorithm is None


def test_pss_parameters() -> None:
    space = "http://www.w3.org/2007/05/xmldsig-more#"
    method = (
        f'<ds:SignatureMethod Algorithm="{space}rsa-pss"><p:RSAPSSParams xmlns:p="{space}">'
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha512"/>'
        "<p:SaltLength>20</p:SaltLength></p:RSAPSSParams></ds:SignatureMethod>"
    )
    rsa = '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
    (read,) = signatures(GOOD.replace(rsa, method).encode(), POLICY)
    algorithm = read.algorithm
    assert algorithm is not None
    assert (algorithm.digest, algorithm.mgf_digest, algorithm.salt_length) == (
        "SHA512",
        "SHA512",
        20,
    )
    odd = GOOD.replace(rsa, method.replace(">20<", ">-1<"))
    assert signatures(odd.encode(), POLICY)[0].algorithm is None
    bare = GOOD.replace(rsa, f'<ds:SignatureMethod Algorithm="{space}rsa-pss"/>')
    algorithm = signatures(bare.encode(), POLICY)[0].algorithm
    assert algorithm is not None
    assert (algorithm.digest, algorithm.salt_length) == ("SHA256", 32)


def test_one_broken_signature_does_not_hide_the_others() -> None:
    good = signature(reference("", transform(names.T_ENVELOPED)), identifier="s1")
    source = f"<r>{good}<ds:Signature xmlns:ds='{names.DS}'/></r>"
    first, second = signatures(source.encode(), POLICY)
    assert not fatal(first)
    assert "xml.signature-structure" in fatal(second)
    assert covered(first).startswith(b"<r>")


def test_ids_of_signatures_are_unique() -> None:
    made = signature(reference(""), identifier="same")
    ids = [read.id for read in signatures(f"<r>{made}{made}</r>".encode(), POLICY)]
    assert len(set(ids)) == 2
