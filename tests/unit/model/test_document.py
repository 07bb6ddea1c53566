"""Documents of which only digests are known."""

from __future__ import annotations

import pickle

import pytest

from esign_kit.errors import InputError
from esign_kit.model.document import Document


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("SHA256", "SHA256"),
        ("sha256", "SHA256"),
        ("SHA-512", "SHA512"),
        ("sha3_256", "SHA3-256"),
        ("SHA3-384", "SHA3-384"),
        ("STREEBOG-512", "STREEBOG-512"),
        ("of-some-country", "of-some-country"),
    ],
)
def test_spellings_of_digests(spelled: str, name: str) -> None:
    document = Document.from_digests({spelled: b"value"})
    assert dict(document.digests) == {name: b"value"}
    assert document.digest(name) == b"value"


def test_other_digests_are_not_invented() -> None:
    with pytest.raises(InputError, match="not SHA512"):
        Document.from_digests({"SHA-256": b"value"}).digest("SHA512")
    with pytest.raises(InputError, match="at least one"):
        Document.from_digests({})


@pytest.mark.parametrize("digest", ["SHA256", "STREEBOG-256"])
def test_a_document_inside_other_octets_is_a_document(digest: str) -> None:
    inside, alone = Document.within(b"..signed..", 2, 8), Document(b"signed")
    assert inside.digest(digest) == alone.digest(digest)
    assert (inside.size, inside.has_octets, inside.is_file, inside.path) == (6, True, False, None)
    assert inside.octets() == b"signed" == b"".join(inside.blocks())
    assert Document.within(b"..signed..", 2, 8) == alone != Document.within(b"..signed..", 1, 8)
    assert hash(Document.within(b"..signed..", 2, 8)) == hash(alone)
    assert repr(Document.within(b"..signed..", 2, 8)) == "Document(6 octets, name=None)"
    assert pickle.loads(pickle.dumps(Document.within(b"..signed..", 2, 8))) == alone
