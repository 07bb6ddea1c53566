"""Whatever a browser, a provider or an agent sends: an answer or an error of ours, nothing else."""

from __future__ import annotations

import contextlib
import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, strategies as st

import esign_kit as ek
from esign_kit.agents import eimzo, ncalayer, unwrap
from esign_kit.agents.eimzo import ServerVerification
from esign_kit.errors import LoginError
from esign_kit.login import MemoryOnceStore, SamlLogin, SamlServiceProvider
from esign_kit.login.oidc.token import check_claims
from esign_kit.login.oneid import read_answer
from esign_kit.login.pending import open_sealed
from esign_kit.testing.login import FakeOidc, FakeSaml

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SESSION = b"a session secret of this browser"
EMBG = "0101990450006"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)


def objects(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects whose known members hold anything."""
    return st.fixed_dictionaries({}, optional={name: JSON for name in names})


@given(objects("status", "body", "code", "message", "responseObject", "result") | JSON)
def test_ncalayer(message: Any) -> None:
    with contextlib.suppress(ek.EsignError):
        ncalayer.read_answer(json.dumps(message))


@given(objects("success", "status", "reason", "pkcs7_64", "certificates"))
def test_capiws(message: Any) -> None:
    try:
        answer = eimzo.read_answer(json.dumps(message))
        eimzo.read_certificates(answer)
    except ek.EsignError:
        pass


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_wrappings_and_codes(text: Any) -> None:
    for read in (unwrap, eimzo.read_code) if isinstance(text, str) else (unwrap,):
        with contextlib.suppress(ek.EsignError):
            read(text)


@given(
    st.fixed_dictionaries(
        {"status": st.just(1)},
        optional={
            "pkcs7Info": JSON
            | st.fixed_dictionaries(
                {
                    "signers": st.lists(
                        objects(
                            "verified", "certificateVerified", "certificateValidAtSigningTime",
                            "certificate", "signerId", "digest", "OCSPResponse",
                        ),
                        max_size=3,
                    )
                }
            )
        },
    )
)  # fmt: skip
def test_the_server_is_believed_by_true_alone(data: Any) -> None:
    read = ServerVerification.of(data)
    if read.accepted:
        rows = data["pkcs7Info"]["signers"]
        names = ("verified", "certificateVerified", "certificateValidAtSigningTime")
        assert rows
        assert all(row[name] is True for row in rows for name in names)


@given(
    objects(
        "valid", "validation_method", "auth_method", "pkcs_legal_tin", "legal_info", "birth_date",
        "full_name", "sur_name", "mid_name", "first_name", "tin", "sess_id",
    )
)  # fmt: skip
def test_oneid(data: dict[str, Any]) -> None:
    try:
        read = read_answer({"ret_cd": "0", "pin": "30101900000004", **data}, at=AT)
    except LoginError:
        return
    assert read.claimed.mandates == ()
    if read.organisation_key is not None:
        assert "LEPKCSMETHOD" in str(data["auth_method"])


@given(objects("iss", "aud", "exp", "iat", "nbf", "nonce", "sub", "azp", "auth_time"))
def test_claims(claims: dict[str, Any]) -> None:
    provider = FakeOidc(at=AT).provider()
    try:
        check_claims(claims, provider, client_id="portal", nonce="n", begun=AT, at=AT)
    except LoginError:
        return
    assert claims["iss"] == provider.issuer


@given(st.text(max_size=100))
def test_sealed(text: str) -> None:
    try:
        open_sealed(text, SESSION, protocol="oidc", provider="x", at=AT)
    except LoginError:
        return
    raise AssertionError(text)


_FAKE = FakeSaml(at=AT, attributes={"embg": EMBG}, key="ec")
_LOGIN = SamlLogin(
    _FAKE.provider(attributes={"embg": "MK/EMBG"}),
    SamlServiceProvider("https://portal.test/saml", "https://portal.test/acs"),
    profile=ek.profile("mk"),
    once=MemoryOnceStore(),
)


@given(st.integers(min_value=0, max_value=10_000), st.integers(min_value=0, max_value=255))
def test_no_octet_of_a_response_can_be_changed_into_another_person(at: int, octet: int) -> None:
    begun = _LOGIN.begin(session_secret=SESSION, at=AT)
    form = _FAKE.log_in(begun)
    xml = bytearray(b64decode(form["SAMLResponse"]))
    xml[at % len(xml)] = octet
    form["SAMLResponse"] = b64encode(bytes(xml)).decode()
    try:
        done = _LOGIN.finish(form, begun.pending, session_secret=SESSION, at=AT)
    except ek.EsignError:
        return
    # Some octets stand outside of what is signed; who it is does not.
    assert done.principal.identifier == ek.Identifier("MK", "EMBG", EMBG)
