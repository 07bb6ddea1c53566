"""Canonical forms, compared with the standards' examples, with our second writer and libxmlsec."""

from __future__ import annotations

import random
from typing import Any

import pytest
from lxml import etree

from esign_kit.errors import InputError
from esign_kit.model.limits import Limits
from esign_kit.xmldsig import names
from esign_kit.xmldsig.c14n import canonicalization, canonicalize, canonicalize_document
from esign_kit.xmldsig.nodeset import NodeSet, canonicalize_nodes
from esign_kit.xmldsig.parser import parse

LIMITS = Limits()
METHODS = [
    names.C14N_10,
    names.C14N_10_COMMENTS,
    names.C14N_11,
    names.C14N_11_COMMENTS,
    names.C14N_EXCLUSIVE,
    names.C14N_EXCLUSIVE_COMMENTS,
]


def method(uri: str, *prefixes: str) -> Any:
    found = canonicalization(uri)
    assert found is not None
    return found._replace(prefixes=prefixes)


def test_a_part_that_inherits_the_default_namespace() -> None:
    """The case that lxml alone writes with a stray xmlns="" below the second level."""
    root = parse(b'<S xmlns="u:d"><I><A><B/></A></I></S>', LIMITS).root
    expected = b'<I xmlns="u:d"><A><B></B></A></I>'
    assert canonicalize(root[0], method(names.C14N_10)) == expected
    assert canonicalize(root[0], method(names.C14N_EXCLUSIVE)) == expected
    naive = etree.tostring(root[0], method="c14n")
    assert naive != expected, "the trap is gone; the detour may go too"


def test_a_genuine_empty_default_namespace_stays() -> None:
    root = parse(b'<S xmlns="u:d"><I><A xmlns=""><B/></A></I></S>', LIMITS).root
    expected = b'<I xmlns="u:d"><A xmlns=""><B></B></A></I>'
    assert canonicalize(root[0], method(names.C14N_10)) == expected


def test_inherited_prefixes_are_written_by_the_inclusive_form_only() -> None:
    root = parse(b'<S xmlns:p="u:p" xmlns:q="u:q"><p:I><x/></p:I></S>', LIMITS).root
    inclusive = canonicalize(root[0], method(names.C14N_10))
    assert inclusive == b'<p:I xmlns:p="u:p" xmlns:q="u:q"><x></x></p:I>'
    exclusive = canonicalize(root[0], method(names.C14N_EXCLUSIVE))
    assert exclusive == b'<p:I xmlns:p="u:p"><x></x></p:I>'
    listed = canonicalize(root[0], method(names.C14N_EXCLUSIVE, "q"))
    assert listed == b'<p:I xmlns:p="u:p" xmlns:q="u:q"><x></x></p:I>'


def test_the_default_namespace_in_a_prefix_list() -> None:
    root = parse(b'<S xmlns="u:d" xmlns:p="u:p"><p:I><p:x/></p:I></S>', LIMITS).root
    assert canonicalize(root[0], method(names.C14N_EXCLUSIVE, "#default")) == (
        b'<p:I xmlns="u:d" xmlns:p="u:p"><p:x></p:x></p:I>'
    )


def test_xml_attributes_are_inherited_as_each_version_says() -> None:
    root = parse(
        b'<a xml:lang="en" xml:space="preserve" xml:id="i" xml:base="http://x/a/">'
        b'<b xml:base="b/c"><e xml:lang="kk" xml:base="d"/></b></a>',
        LIMITS,
    ).root
    element = root[0][0]
    assert canonicalize(element, method(names.C14N_10)) == (
        b'<e xml:base="d" xml:id="i" xml:lang="kk" xml:space="preserve"></e>'
    )
    assert canonicalize(element, method(names.C14N_11)) == (
        b'<e xml:base="http://x/a/b/d" xml:lang="kk" xml:space="preserve"></e>'
    )
    assert canonicalize(element, method(names.C14N_EXCLUSIVE)) == (
        b'<e xml:base="d" xml:lang="kk"></e>'
    )


@pytest.mark.parametrize(
    ("bases", "joined"),
    [
        # Canonical XML 1.1, appendix A and section 2.4.
        (["foo/", "bar"], "foo/bar"),
        (["foo", "bar"], "bar"),
        (["..", "x"], "../x"),
        (["../..", ".."], "../../../"),
        (["http://a/b/c", "../d"], "http://a/d"),
        (["http://a/b/c", "//h/x"], "http://h/x"),
        (["http://a/b/c", "/x/./y"], "http://a/x/y"),
        (["http://a", "x"], "http://a/x"),
        (["x/y/", "urn:z"], "urn:z"),
        (["a/b/", "../c/./"], "a/c/"),
        (["a/", ""], "a/"),
    ],
)
def test_xml_base_is_joined(bases: list[str], joined: str) -> None:
    opening = "".join(f'<n xml:base="{base}">' for base in bases[:-1])
    data = f'<r>{opening}<e xml:base="{bases[-1]}"/>{"</n>" * (len(bases) - 1)}</r>'
    root = parse(data.encode(), LIMITS).root
    element = next(root.iter("e"))
    assert canonicalize(element, method(names.C14N_11)) == f'<e xml:base="{joined}"></e>'.encode()


def test_what_stands_beside_the_document_element() -> None:
    document = parse(b"<?p a?><!--c--><r Id='x'/><?q?><!--d-->", LIMITS)
    whole = canonicalize_document(document.root, method(names.C14N_10_COMMENTS))
    assert whole == b'<?p a?>\n<!--c-->\n<r Id="x"></r>\n<?q?>\n<!--d-->'
    plain = canonicalize_document(document.root, method(names.C14N_10))
    assert plain == b'<?p a?>\n<r Id="x"></r>\n<?q?>'
    assert canonicalize(document.root, method(names.C14N_10_COMMENTS)) == b'<r Id="x"></r>'


def test_characters() -> None:
    root = parse(
        b'<r a="&#9;&#10;&#13;&lt;&amp;\'&quot;">&#13;&gt;&lt;&amp;"\'<![CDATA[<x>]]>\r\n</r>',
        LIMITS,
    ).root
    assert canonicalize(root, method(names.C14N_10)) == (
        b'<r a="&#x9;&#xA;&#xD;&lt;&amp;\'&quot;">&#xD;&gt;&lt;&amp;"\'&lt;x&gt;\n</r>'
    )


def test_relative_namespace_names_are_an_error_of_ours() -> None:
    root = parse(b'<r xmlns:p="relative"><p:a/></r>', LIMITS).root
    with pytest.raises(InputError):
        canonicalize(root, method(names.C14N_10))


def test_an_unknown_method_is_unknown() -> None:
    assert canonicalization("http://www.w3.org/TR/2001/REC-xml-c14n-20010315#") is None
    assert canonicalization("") is None


def random_document(seed: int) -> bytes:
    """Return a document that redeclares, undeclares, inherits and mixes."""
    dice = random.Random(seed)
    spaces = ["urn:a", "urn:b", "urn:c"]

    def element(depth: int, prefixes: dict[str, str]) -> str:
        known = dict(prefixes)
        declared = ""
        for prefix in ("", "p", "q"):
            if dice.random() < 0.3:
                uri = "" if not prefix and dice.random() < 0.4 else dice.choice(spaces)
                known[prefix] = uri
                declared += f' xmlns{":" + prefix if prefix else ""}="{uri}"'
        usable = [prefix for prefix in known if prefix]
        prefix = dice.choice([*usable, ""])
        name = f"{prefix}:e" if prefix else "e"
        attributes = ""
        if dice.random() < 0.4:
            attributes += f' b="{dice.choice(["x", "&#13;", "&lt;", "a b"])}"'
        if usable and dice.random() < 0.4:
            attributes += f' {dice.choice(usable)}:a="1"'
        if dice.random() < 0.2:
            attributes += f' xml:lang="{dice.choice(["kk", "mk"])}"'
        inside = dice.choice(["", "text", "&amp;", "<!--c-->", "<?pi d?>", "\n"])
        if depth:
            inside += "".join(
                element(depth - 1, known) + dice.choice(["", " ", "t"])
                for _ in range(dice.randint(0, 3))
            )
        return f"<{name}{declared}{attributes}>{inside}</{name}>"

    return element(4, {}).encode()


@pytest.mark.parametrize("seed", range(60))
def test_two_writers_agree_on_every_part(seed: int) -> None:
    """C and Python, written after the same standard by different hands, in all six forms."""
    document = parse(random_document(seed), LIMITS)
    for uri in METHODS:
        for prefixes in ((), ("p",), ("#default", "q")):
            chosen = method(uri, *(prefixes if "exc-c14n" in uri else ()))
            for element in document.root.iter("*"):
                nodes = NodeSet.of(document.root, element, comments=chosen.comments)
                assert canonicalize(element, chosen) == canonicalize_nodes(nodes, chosen)


@pytest.mark.parametrize("seed", range(20))
def test_canonical_form_is_a_fixed_point(seed: int) -> None:
    root = parse(random_document(seed), LIMITS).root
    once = canonicalize(root, method(names.C14N_10_COMMENTS))
    again = parse(once, LIMITS).root
    assert canonicalize(again, method(names.C14N_10_COMMENTS)) == once


@pytest.mark.parametrize("uri", METHODS)
@pytest.mark.parametrize("seed", range(6))
def test_libxmlsec_agrees_on_a_part(seed: int, uri: str) -> None:
    """libxmlsec digests a part that it canonicalises with its own node-set code."""
    xmlsec = pytest.importorskip("xmlsec")
    body = random_document(seed + 100).decode()
    template = (
        f'<w xmlns="urn:w" xmlns:z="urn:z" xml:lang="en"><d Id="part">{body}</d>'
        f'<Signature xmlns="{names.DS}"><SignedInfo>'
        f'<CanonicalizationMethod Algorithm="{names.C14N_EXCLUSIVE}"/>'
        f'<SignatureMethod Algorithm="{names.DS}hmac-sha1"/><Reference URI="#part"><Transforms>'
        f'<Transform Algorithm="{uri}"/></Transforms>'
        f'<DigestMethod Algorithm="{names.DS}sha1"/><DigestValue/></Reference></SignedInfo>'
        "<SignatureValue/></Signature></w>"
    )
    tree = etree.fromstring(template.encode())
    xmlsec.tree.add_ids(tree, ["Id"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, b"secret")
    context.sign(next(tree.iter(names.SIGNATURE)))
    stated = next(tree.iter(names.DIGEST_VALUE)).text
    import base64
    import hashlib

    document = parse(template.encode(), LIMITS)
    element = document.elements_with_id("part")[0]
    chosen = method(uri)._replace(comments=False)  # a reference by #id leaves comments out
    ours = hashlib.sha1(canonicalize(element, chosen)).digest()
    assert base64.b64encode(ours).decode() == stated
