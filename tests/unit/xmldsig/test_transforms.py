"""Transforms: the closed list, what is taken out, and what stays as it was."""

from __future__ import annotations

import base64
import hashlib

import pytest
from lxml import etree

from esign_kit.errors import InputError, LimitError
from esign_kit.model.document import Document
from esign_kit.model.limits import Limits
from esign_kit.trust.policy import TransformRule, ValidationPolicy
from esign_kit.xmldsig import names
from esign_kit.xmldsig.c14n import INCLUSIVE, canonicalization
from esign_kit.xmldsig.parser import parse
from esign_kit.xmldsig.transforms import Selection, apply, canonical_octets, decode_base64, plan
from tests.unit.xmldsig.helpers import covered, fatal, signatures, state, states

LIMITS = Limits()
DEFAULT = ValidationPolicy()
EMPTY = base64.b64encode(b"\0" * 32).decode()
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


def transform(algorithm: str, inner: str = "") -> str:
    return f'<ds:Transform Algorithm="{algorithm}">{inner}</ds:Transform>'


def xpath(expression: str, attributes: str = "") -> str:
    return transform(names.T_XPATH, f"<ds:XPath {attributes}>{expression}</ds:XPath>")


def filter2(*steps: tuple[str, str]) -> str:
    inner = "".join(
        f'<f:XPath xmlns:f="{names.FILTER2}" Filter="{how}">{text}</f:XPath>' for how, text in steps
    )
    return transform(names.T_FILTER2, inner)


def reference(uri: str | None, *transforms: str, digest: str = EMPTY, more: str = "") -> str:
    chain = f"<ds:Transforms>{''.join(transforms)}</ds:Transforms>" if transforms else ""
    attribute = "" if uri is None else f' URI="{uri}"'
    return (
        f'<ds:Reference{attribute}{more}>{chain}<ds:DigestMethod Algorithm="{SHA256}"/>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
    )


def signature(*references: str, objects: str = "", identifier: str = "") -> str:
    named = f' Id="{identifier}"' if identifier else ""
    return (
        f'<ds:Signature xmlns:ds="{names.DS}"{named}><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{names.C14N_EXCLUSIVE}"/>'
        '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
        f"{''.join(references)}</ds:SignedInfo>"
        f'<ds:SignatureValue Id="value-{identifier}">AAAA</ds:SignatureValue>{objects}'
        "</ds:Signature>"
    )


def octets_of(document: str, policy: ValidationPolicy = DEFAULT, number: int = 0) -> bytes:
    return covered(signatures(document.encode(), policy)[number])


BODY = "<b>1</b>tail"


def enveloped(*transforms: str, other: str = "") -> str:
    return f'<r a="1"><a/>before{signature(reference("", *transforms))}after{BODY}{other}</r>'


WITHOUT = b'<r a="1"><a></a>beforeafter<b>1</b>tail</r>'

REMOVALS = {
    "enveloped": transform(names.T_ENVELOPED),
    "xpath": xpath("not(ancestor-or-self::ds:Signature)"),
    "xpath with space": xpath("\n not ( ancestor-or-self :: ds:Signature ) \n"),
    "xpath, other prefix": xpath("not(ancestor-or-self::d:Signature)", f'xmlns:d="{names.DS}"'),
    "xpath of the standard": xpath(
        "count(ancestor-or-self::ds:Signature | here()/ancestor::ds:Signature[1]) &gt; "
        "count(ancestor-or-self::ds:Signature)"
    ),
    "filter2 of DSS": filter2(("subtract", "/descendant::ds:Signature")),
    "filter2 short": filter2(("subtract", "//ds:Signature")),
    "filter2 here": filter2(("subtract", "here()/ancestor::ds:Signature[1]")),
    "filter2 at the root": filter2(("subtract", "/*/ds:Signature")),
    "filter2, all and less": filter2(("intersect", "/"), ("subtract", "//ds:Signature")),
}


@pytest.mark.parametrize("removal", REMOVALS.values(), ids=REMOVALS.keys())
def test_a_signature_is_taken_out_of_what_it_signs(removal: str) -> None:
    document = enveloped(removal)
    assert octets_of(document) == WITHOUT
    digest = base64.b64encode(hashlib.sha256(WITHOUT).digest()).decode()
    (read,) = signatures(document.replace(EMPTY, digest).encode(), DEFAULT)
    assert states(read) == ["OK FULL"]


@pytest.mark.parametrize("name", ["enveloped", "xpath of the standard", "filter2 here"])
def test_only_the_own_signature_is_taken_out(name: str) -> None:
    document = enveloped(REMOVALS[name], other="<ds:Signature xmlns:ds='" + names.DS + "'/>")
    assert b"ds:Signature" in octets_of(document)


@pytest.mark.parametrize("name", ["xpath", "filter2 of DSS", "filter2 at the root"])
def test_all_signatures_are_taken_out(name: str) -> None:
    document = enveloped(REMOVALS[name], other=f"<ds:Signature xmlns:ds='{names.DS}'/>")
    assert octets_of(document) == WITHOUT


def test_signatures_at_one_depth() -> None:
    deep = f"<n><ds:Signature xmlns:ds='{names.DS}'/></n>"
    assert b"<n><ds:Signature" in octets_of(enveloped(REMOVALS["filter2 at the root"], other=deep))


OTHER_XPATH = {
    "keeps a part": xpath("ancestor-or-self::b"),
    "nothing": xpath("false()"),
    "drops an amount": xpath("not(ancestor-or-self::amount)"),
    "other prefix": xpath("not(ancestor-or-self::d:Signature)", 'xmlns:d="urn:other"'),
    "no prefix bound": xpath("not(ancestor-or-self::q:Signature)"),
    "or": xpath("not(ancestor-or-self::ds:Signature) or true()"),
    "comment": transform(
        names.T_XPATH, "<ds:XPath>not(ancestor-or-self::ds:Signa<!---->ture)</ds:XPath>"
    ),
    "two": transform(
        names.T_XPATH, "<ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath><ds:XPath/>"
    ),
    "filter2 intersect": filter2(("intersect", "//b")),
    "filter2 subtract": filter2(("subtract", "//amount")),
    "filter2 union": filter2(("subtract", "//ds:Signature"), ("union", "//b")),
    "filter2 empty": filter2(),
}


@pytest.mark.parametrize("other", OTHER_XPATH.values(), ids=OTHER_XPATH.keys())
def test_any_other_xpath_must_be_asked_for(other: str) -> None:
    (read,) = signatures(enveloped(other).encode(), DEFAULT)
    assert states(read) == ["transform.xpath"]
    assert covered(read) == b""


def test_the_closed_rule_refuses_even_removal() -> None:
    policy = ValidationPolicy(transforms=TransformRule.CLOSED)
    for name, removal in REMOVALS.items():
        (read,) = signatures(enveloped(removal).encode(), policy)
        assert (states(read) == ["transform.not-accepted"]) is (name != "enveloped")


@pytest.mark.parametrize("rule", TransformRule)
@pytest.mark.parametrize(
    "algorithm", [names.T_XSLT, "urn:unknown", "", names.DS + "enveloped-signature ", names.DS]
)
def test_nothing_else_is_ever_passed_over(rule: TransformRule, algorithm: str) -> None:
    policy = ValidationPolicy(transforms=rule)
    chain = (transform(names.T_ENVELOPED), transform(algorithm), transform(names.C14N_EXCLUSIVE))
    (read,) = signatures(enveloped(*chain).encode(), policy)
    assert states(read) == ["transform.not-accepted"]


XPATH = ValidationPolicy(transforms=TransformRule.XPATH)


def test_xpath_when_asked_for() -> None:
    assert octets_of(enveloped(OTHER_XPATH["keeps a part"]), XPATH) == b"<b>1</b>"
    assert octets_of(enveloped(OTHER_XPATH["filter2 intersect"]), XPATH) == b"<b>1</b>"
    chain = (transform(names.T_ENVELOPED), filter2(("subtract", "//b")))
    assert octets_of(enveloped(*chain), XPATH) == b'<r a="1"><a></a>beforeaftertail</r>'


def test_a_part_chosen_by_xpath_is_partial() -> None:
    digest = base64.b64encode(hashlib.sha256(b"<b>1</b>").digest()).decode()
    document = enveloped(OTHER_XPATH["keeps a part"]).replace(EMPTY, digest)
    assert states(signatures(document.encode(), XPATH)[0]) == ["OK PARTIAL"]


@pytest.mark.parametrize("expression", ["b[", "unknown()", "document('/etc/passwd')", "$x"])
def test_broken_xpath_is_a_problem_of_its_reference(expression: str) -> None:
    (read,) = signatures(enveloped(xpath(expression)).encode(), XPATH)
    assert states(read) == ["transform.xpath"]


def test_expensive_xpath_does_not_start() -> None:
    body = "<x/>" * 3000
    document = f"<r>{body}{signature(reference('', xpath('count(//x[//x[//x]]) &gt; 0')))}</r>"
    (read,) = signatures(document.encode(), XPATH)
    assert states(read) == ["transform.xpath-cost"]


def test_too_many_transforms() -> None:
    chain = [transform(names.C14N_10)] * 9
    (read,) = signatures(enveloped(*chain).encode(), DEFAULT)
    assert states(read) == ["transform.too-many"]


def test_the_tree_is_as_before() -> None:
    """Prefixes, text and order survive; lxml would rename prefixes of what is put back."""
    source = (
        f'<n2:r xmlns:n2="{names.DS}" xmlns:q="urn:q"> t <q:a/> u '
        f'<ds:Signature xmlns:ds="{names.DS}"><ds:KeyInfo xmlns:q="urn:q" q:x="1"/></ds:Signature>'
        " v <!--c--> w </n2:r>"
    )
    document = parse(source.encode(), LIMITS)
    before = etree.tostring(document.root)
    selection = Selection(document, None, comments=True)
    selection.removed.extend(document.signatures())
    octets = canonical_octets(selection, INCLUSIVE)
    assert b"ds:Signature" not in octets
    assert b" u  v " in octets
    assert etree.tostring(document.root) == before


def test_marks_of_ours_in_the_document_are_no_trouble() -> None:
    source = (
        f"<r><?cut0?>cut1<a/>{signature(reference('', transform(names.T_ENVELOPED)))}<?cut0?></r>"
    )
    assert octets_of(source) == b"<r><?cut0?>cut1<a></a><?cut0?></r>"


def test_the_enveloping_signature_cannot_sign_nothing() -> None:
    source = signature(reference("", transform(names.T_ENVELOPED)))
    (read,) = signatures(source.encode(), DEFAULT)
    assert states(read) == ["NOT FOUND"]


def test_a_target_inside_the_removed_signature_is_empty() -> None:
    held = '<ds:Object Id="o">x</ds:Object>'
    source = f"<r>{signature(reference('#o', transform(names.T_ENVELOPED)), objects=held)}</r>"
    assert states(signatures(source.encode(), DEFAULT)[0]) == ["NOT FOUND"]


def test_base64_of_an_object() -> None:
    held = '<ds:Object Id="o">aGVs\n <!-- x -->bG8=</ds:Object>'
    source = signature(reference("#o", transform(names.T_BASE64)), objects=held)
    assert octets_of(source) == b"hello"


def test_base64_of_canonical_octets_is_no_base64() -> None:
    chain = (transform(names.T_ENVELOPED), transform(names.C14N_10), transform(names.T_BASE64))
    source = f"<r>aGVsbG8={signature(reference('', *chain))}</r>"
    (read,) = signatures(source.encode(), DEFAULT)
    assert states(read) == ["xml.base64"]


@pytest.mark.parametrize(
    "text", ["a", "ab=c", "aGVsbG8", "é", "aGVs*bG8=", "=", "aGVsbG8==", "aGVs="]
)
def test_base64_is_strict(text: str) -> None:
    with pytest.raises(InputError):
        decode_base64(text, "a value")


def test_white_space_in_base64_is_ordinary() -> None:
    assert decode_base64(" aGVs\r\n\tbG8= ", "a value") == b"hello"
    assert decode_base64(None, "a value") == b""


def test_comments_are_in_or_out_as_the_reference_says() -> None:
    with_comments = transform(names.C14N_10_COMMENTS)
    source = '<r Id="x"><!--c--><a/>{}</r>'
    envelope = transform(names.T_ENVELOPED)
    for uri, there in (("", False), ("#x", False), ("#xpointer(/)", True)):
        made = source.format(signature(reference(uri, envelope, with_comments)))
        assert (b"<!--c-->" in octets_of(made)) is there
    made = source.format(signature(reference("#xpointer(id('x'))", envelope, with_comments)))
    assert b"<!--c-->" in octets_of(made)
    made = source.format(signature(reference("#xpointer(/)", envelope)))
    assert b"<!--c-->" not in octets_of(made), "the default canonicalisation leaves them out"


def test_a_detached_document_is_parsed_for_a_canonicalisation() -> None:
    source = signature(reference("d.xml", transform(names.C14N_10)))
    document = Document(b"<?xml version='1.0'?><d  b='1' a=''/>", name="d.xml")
    (read,) = signatures(source.encode(), DEFAULT, [document])
    assert covered(read) == b'<d a="" b="1"></d>'


def test_a_detached_document_with_a_doctype_is_refused() -> None:
    source = signature(reference("d.xml", transform(names.C14N_10)))
    document = Document(b"<!DOCTYPE d [<!ENTITY x 'y'>]><d>&x;</d>", name="d.xml")
    (read,) = signatures(source.encode(), DEFAULT, [document])
    assert states(read) == ["xml.doctype"]


def test_enveloped_in_another_document_is_misplaced() -> None:
    source = signature(reference("d.xml", transform(names.T_ENVELOPED)))
    (read,) = signatures(source.encode(), DEFAULT, [Document(b"<d/>", name="d.xml")])
    assert states(read) == ["transform.misplaced"]


def test_planning_reads_before_it_runs() -> None:
    element = parse(f'<t xmlns:ds="{names.DS}"><ds:Other/></t>'.encode(), LIMITS).root
    with pytest.raises(InputError):
        plan(element, TransformRule.XPATH, LIMITS)
    assert plan(None, TransformRule.CLOSED, LIMITS) == ()
    many = parse(
        f'<t xmlns:ds="{names.DS}">{transform(names.C14N_10) * 3}</t>'.encode(), LIMITS
    ).root
    with pytest.raises(LimitError):
        plan(many, TransformRule.XPATH, LIMITS.with_(transforms=2))
    steps = plan(many, TransformRule.CLOSED, LIMITS)
    selection = Selection(parse(b"<a  b='1'/>", LIMITS), None, comments=False)
    assert apply(selection, steps, None, LIMITS) == (b'<a b="1"></a>', True)
    assert canonicalization(names.C14N_10) == INCLUSIVE


def test_states_and_structure_of_the_helpers() -> None:
    (read,) = signatures(enveloped(transform(names.T_ENVELOPED)).encode(), DEFAULT)
    assert state(read.references[0]) == "MISMATCH"
    assert fatal(read) == []


def exclusive(number: int) -> str:
    listed = f'<i:InclusiveNamespaces xmlns:i="{names.EXC_C14N}" PrefixList="p{number}"/>'
    return transform(names.C14N_EXCLUSIVE, listed)


LARGE = "<row a='1'><b>xx</b></row>" * 10_000
COSTLY = {
    "many signatures with many references": signature(
        *[reference("", transform(names.T_ENVELOPED), exclusive(n)) for n in range(64)]
    )
    * 64,
    "many manifest entries": signature(
        reference("#m", more=f' Type="{names.TYPE_MANIFEST}"'),
        objects='<ds:Object><ds:Manifest Id="m">'
        + "".join(reference("", transform(names.T_ENVELOPED), exclusive(n)) for n in range(250))
        + "</ds:Manifest></ds:Object>",
    ),
    "many decodings": signature(*[reference("#o", transform(names.T_BASE64))] * 64) * 60
    + f"<d Id='o'>{'QUFB' * 200_000}</d>",
    "a list that is slow": signature(
        reference("", transform(names.T_ENVELOPED), exclusive(0).replace("p0", "#default"))
    )
    * 60,
    "much that is taken out": signature(
        *[reference("", transform(names.T_ENVELOPED), exclusive(n)) for n in range(200)],
        objects=f"<ds:Object>{LARGE}</ds:Object>",
    ),
    "the same again and again": signature(*[reference("", transform(names.T_ENVELOPED))] * 1000),
    "many filters": signature(*[reference("", xpath(f"true() or {n}")) for n in range(60)]),
}


@pytest.mark.parametrize("what", COSTLY.values(), ids=COSTLY.keys())
def test_all_references_together_are_bounded(what: str) -> None:
    """Each alone is cheap; together they would take minutes."""
    import time

    around = "" if LARGE in what else LARGE
    source = f"<r>{around}{what}</r>".encode()
    started = time.perf_counter()
    found = {state for read in signatures(source, XPATH) for state in states(read)}
    assert "xml.too-much-work" in found
    assert time.perf_counter() - started < 8


def test_elements_count_for_more_than_text() -> None:
    def rounds(octets: bytes) -> int:
        document = parse(b"<a>" + b"x" * 1_000_000 + b"</a>", LIMITS)
        for number in range(1000):
            try:
                document.spend_on(octets)
            except LimitError:
                return number
        return 1000

    text, elements = rounds(b"x" * 700_000), rounds(b"<b></b>" * 100_000)
    assert text == 46
    # The first rounds are free for all.
    assert elements == 28


def test_many_ids_cost_one_walk() -> None:
    import time

    source = f"<r>{LARGE}&#13;{signature(*[reference(f'#x{n}') for n in range(64)]) * 60}</r>"
    started = time.perf_counter()
    for read in signatures(source.encode(), DEFAULT):
        assert set(states(read)) == {"NOT FOUND"}
    assert time.perf_counter() - started < 8
