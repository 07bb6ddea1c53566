from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from esign_kit.asn1.tsp import TimestampToken
from esign_kit.asn1.tsp_exchange import encode_request
from esign_kit.errors import EvidenceError
from esign_kit.model.document import Digest
from esign_kit.model.evidence import FetchPurpose, FetchRequest, FetchResponse
from esign_kit.testing.pki import FixturePKI
from esign_kit.tsp import request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IMPRINT = Digest("SHA256", bytes(range(32)))


class Answers:
    """A fetcher with one answer."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.answer = answer

    def fetch(self, request: FetchRequest) -> FetchResponse:
        assert request.purpose is FetchPurpose.TIMESTAMP
        assert request.media_type == "application/timestamp-query"
        assert request.body is not None
        return FetchResponse(request, self.answer(request.body))


def code(answer: Callable[[bytes], bytes], **options: str) -> str:
    with pytest.raises(EvidenceError) as caught:
        request(IMPRINT, "http://tsa.test/", Answers(answer), **options)
    return caught.value.code


@pytest.fixture(scope="module")
def pki() -> FixturePKI:
    return FixturePKI()


def test_a_token_that_answers_the_question(pki: FixturePKI) -> None:
    token = TimestampToken.load(request(IMPRINT, pki.tsa.url, pki))
    assert token.info is not None
    assert token.info.imprint == IMPRINT.value
    assert token.info.nonce is not None
    assert token.info.nonce > 0
    again = TimestampToken.load(request(IMPRINT, pki.tsa.url, pki, policy=pki.tsa.policy))
    assert again.info is not None
    assert again.info.nonce != token.info.nonce
    assert again.info.policy == pki.tsa.policy


def test_answers_to_other_questions(pki: FixturePKI) -> None:
    respond = pki.tsa.respond
    other = Digest("SHA256", bytes(32))
    assert code(lambda body: respond(encode_request(IMPRINT, nonce=1))) == "timestamp.nonce"
    assert code(lambda body: respond(encode_request(IMPRINT))) == "timestamp.nonce"
    assert code(lambda body: respond(encode_request(other, nonce=1))) == "timestamp.imprint"
    assert code(lambda body: respond(body), policy="1.2.3.4") == "timestamp.refused"
    refused = code(lambda body: respond(b"rubbish"))
    assert refused == "timestamp.refused"
    for rubbish in (b"", b"<html>", pki.tsa.timestamp(b"x"), pki.crl()):
        assert code(lambda body, rubbish=rubbish: rubbish) == "timestamp.malformed"


def test_a_policy_that_was_not_asked_for(pki: FixturePKI) -> None:
    from esign_kit.asn1.reader import SEQUENCE, encode, encode_integer

    def bend(body: bytes) -> bytes:
        nonce = 5
        token = pki.tsa.timestamp(IMPRINT, nonce=nonce, policy="1.2.3.99")
        return encode(SEQUENCE, encode(SEQUENCE, encode_integer(0)), token)

    with pytest.raises(EvidenceError) as caught:
        request(IMPRINT, "http://x.test/", Answers(bend), policy="1.2.3.4", nonce=5)
    assert caught.value.code == "timestamp.policy"


def test_a_signature_in_place_of_a_token(pki: FixturePKI) -> None:
    from esign_kit.asn1.reader import SEQUENCE, encode, encode_integer

    signature = pki.person().sign(b"x")
    answer = encode(SEQUENCE, encode(SEQUENCE, encode_integer(0)), signature)
    assert code(lambda body: answer) == "timestamp.malformed"


def test_the_authority_does_not_answer(pki: FixturePKI) -> None:
    broken = FixturePKI()
    broken.unreachable = {FetchPurpose.TIMESTAMP}
    with pytest.raises(EvidenceError):
        request(IMPRINT, broken.tsa.url, broken)
    broken.unreachable = set()
    broken.tsa.out_of_order = True
    with pytest.raises(EvidenceError) as caught:
        request(IMPRINT, broken.tsa.url, broken)
    assert caught.value.code == "timestamp.refused"
    assert "time source" in caught.value.detail


OPENSSL_CONFIG = """
[tsa]
default_tsa = config
[config]
serial = {folder}/serial
signer_cert = {folder}/certificate.pem
certs = {folder}/chain.pem
signer_key = {folder}/key.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def test_openssl_as_the_authority_and_as_the_judge(pki: FixturePKI, tmp_path: Path) -> None:
    """Another implementation understands our question, and we its answer; and the reverse."""
    program = shutil.which("openssl")
    assert program is not None, "openssl is part of the base system"
    pki.tsa.entity.export_pem(tmp_path)
    (tmp_path / "tsa.cnf").write_text(OPENSSL_CONFIG.format(folder=tmp_path))
    (tmp_path / "serial").write_text("01\n")

    def run(*arguments: str) -> None:
        done = subprocess.run(
            [program, "ts", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=30
        )
        assert done.returncode == 0, done.stderr

    def answer(body: bytes) -> bytes:
        (tmp_path / "query").write_bytes(body)
        run("-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "answer")
        return (tmp_path / "answer").read_bytes()

    token = TimestampToken.load(request(IMPRINT, "http://tsa.test/", Answers(answer)))
    assert token.info is not None
    assert token.info.policy == "1.2.3.4.1"
    # What the fixture country's authority makes is good to OpenSSL.
    own = request(IMPRINT, pki.tsa.url, pki)
    (tmp_path / "own").write_bytes(own)
    root = pki.export_trust(tmp_path / "trust")
    assert root is None
    from ssl import DER_cert_to_PEM_cert

    (tmp_path / "root.pem").write_text(DER_cert_to_PEM_cert(pki.root.certificate.der))
    run(
        "-verify", "-in", "own", "-token_in", "-digest", IMPRINT.value.hex(),
        "-CAfile", "root.pem", "-untrusted", "chain.pem", "-attime",
        str(int(pki.now.timestamp())),
    )  # fmt: skip
