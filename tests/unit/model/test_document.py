"""Documents of which only digests are known."""

from __future__ import annotations

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
