"""OpenID Connect: what a good provider gives, and each lie by its name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("joserfc")

import esign_kit as ek
from esign_kit.errors import LoginAnswerError, LoginError, LoginRefusedError, LoginStateError
from esign_kit.login import MemoryOnceStore, OidcLogin, OidcProvider, with_login_system
from esign_kit.login.oidc import mygovid, vn_portal, vneid
from esign_kit.net import HttpClient
from esign_kit.testing.login import FakeOidc, LoopbackLogin
from esign_kit.testing.login.oidc import LIES

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SESSION = b"a session secret of this browser"
EMBG = "2501990450004"


def fake_of(**options: Any) -> FakeOidc:
    options.setdefault("claims", {"personal_number": "PNO-77", "acr": "urn:test:2"})
    return FakeOidc(at=AT, **options)


def profile_of(fake: FakeOidc) -> Any:
    levels = {"urn:test:2": {"identity": "SUBSTANTIAL", "authentication": "SUBSTANTIAL"}}
    return with_login_system(ek.profile("eidas"), "fake", issuer=fake.issuer or "", levels=levels)


def login_with(fake: FakeOidc, **options: Any) -> OidcLogin:
    client = options.pop("client", None) or fake.client()
    profile = options.pop("profile", None) or profile_of(fake)
    provider = options.pop("provider", None) or fake.provider(
        **{"identifiers": {"personal_number": "EE/PNO"}, **options.pop("known", {})}
    )
    return OidcLogin(
        provider, client, profile=profile, transport=fake, once=MemoryOnceStore(), **options
    )


def run(fake: FakeOidc, login: OidcLogin | None = None, **options: Any) -> Any:
    login = login or login_with(fake)
    begun = login.begin(session_secret=SESSION, at=AT)
    query = fake.log_in(begun.url)
    return login.finish(query, begun.pending, session_secret=SESSION, at=AT, **options)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_a_good_login(algorithm: str) -> None:
    done = run(fake_of(algorithm=algorithm))
    who = done.principal
    assert who.identifier == ek.Identifier("EE", "PNO", "PNO-77")
    levels = who.assurance
    assert (levels.overall, levels.federation) == ("SUBSTANTIAL", "SIGNED")
    assert {check.name for check in done.checks} == {
        "state", "token-signature", "token-issuer", "token-audience", "token-times", "token-nonce",
    }  # fmt: skip
    assert any("login system fake added" in note for note in who.notes)


def test_the_request_has_state_nonce_and_pkce() -> None:
    fake = fake_of()
    begun = login_with(fake).begin(session_secret=SESSION, at=AT, prompt="login")
    query = parse_qs(urlsplit(begun.url).query)
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert len(query["state"][0]) >= 43
    assert query["nonce"] != query["state"]
    assert query["prompt"] == ["login"]
    again = login_with(fake).begin(session_secret=SESSION, at=AT)
    assert parse_qs(urlsplit(again.url).query)["state"] != query["state"]


EXPECTED = {
    "nonce": "login.token-nonce", "no-nonce": "login.token-nonce",
    "audience": "login.token-audience", "two-audiences": "login.token-audience",
    "azp": "login.token-audience", "issuer": "login.token-issuer",
    "expired": "login.token-expired", "no-exp": "login.token-times", "future": "login.token-times",
    "old": "login.token-times", "not-yet": "login.token-times", "text-exp": "login.token-times",
    "alg-none": "login.token-algorithm", "alg-hs256": "login.token-algorithm",
    "alg-other": "login.token-algorithm", "wrong-key": "login.token-signature",
    "unknown-kid": "login.token-key", "own-key-in-header": "login.token-signature",
    "crit": "login.token-header", "bad-signature": "login.token-signature",
    "changed-payload": "login.token-signature", "at-hash": "login.token-hash",
    "code-hash": "login.token-hash",
    "no-sub": "login.token-subject", "no-id-token": "login.provider-answer",
    "double-claim": "login.token-malformed", "encrypted": "login.token-encrypted",
    "down": "login.provider-answer", "keys-down": "login.provider-answer",
    "userinfo-sub": "login.userinfo-subject",
}  # fmt: skip


def test_every_lie_is_in_the_table() -> None:
    assert set(EXPECTED) == set(LIES)


@pytest.mark.parametrize("lie", LIES)
def test_each_lie_is_noticed_by_its_name(lie: str) -> None:
    fake = fake_of(userinfo={})
    fake.lies.add(lie)
    with pytest.raises(LoginError) as caught:
        run(fake)
    assert caught.value.code == EXPECTED[lie]
    assert caught.value.hint


def test_an_acr_counts_with_its_issuer_only() -> None:
    # The same words from a provider that the profile does not know say nothing.
    stranger = fake_of(issuer="https://other.test")
    who = run(stranger, login_with(stranger, profile=profile_of(fake_of()))).principal
    assert who.assurance.overall == "UNKNOWN"
    assert who.assurance.authentication == "UNKNOWN"
    reason = next(r for r in who.assurance.reasons if r.rule == "unknown-acr")
    assert "https://other.test" in reason.detail
    # A known provider that says something else: unknown again.
    odd = fake_of(claims={"personal_number": "PNO-77", "acr": "urn:test:9"})
    assert run(odd).principal.assurance.authentication == "UNKNOWN"


def test_vneid_one_is_no_level() -> None:
    fake = fake_of(
        issuer="http://sso.dancuquocgia.gov.vn:8080/auth/realms/citizen",
        claims={"preferred_username": "001090000001", "acr": "1", "name": "NGUYỄN VĂN A"},
    )
    provider = vneid(
        authorization_endpoint=f"{fake.base}/authorize",
        token_endpoint=f"{fake.base}/token",
        jwks_uri=f"{fake.base}/jwks",
    )
    login = login_with(fake, provider=provider, profile=ek.profile("vn"))
    who = run(fake, login).principal
    assert who.identifier == ek.Identifier("VN", "CCCD", "001090000001")
    assert who.assurance.authentication == "UNKNOWN"
    assert who.assurance.federation == "SIGNED"


def portal_of(fake: FakeOidc) -> OidcProvider:
    return vn_portal(base=fake.base)


VN_ISSUER = "https://xacthuc.dichvucong.gov.vn/oauth2/token"


def test_vn_portal_person_and_organisation() -> None:
    person = fake_of(
        issuer=VN_ISSUER,
        claims={"acr": "LoA1"},
        userinfo={
            "LoaiTaiKhoan": 1, "SoDinhDanh": "001090000001", "HoVaTen": "NGUYỄN VĂN A",
            "NgayThangNamSinh": "19900101", "logoutUri": "https://x.test/?token=MARKER",
        },
    )  # fmt: skip
    login = login_with(person, provider=portal_of(person), profile=ek.profile("vn"))
    done = run(person, login)
    # Addresses with a ministry's token in them are not even kept.
    assert "MARKER" not in str(done.claims)
    who = done.principal
    assert who.identifier == ek.Identifier("VN", "CCCD", "001090000001")
    assert who.assurance.authentication == "LOW"
    # The number came beside the token, so nobody signed it.
    assert who.assurance.federation == "UNKNOWN"
    assert any("userinfo" in note for note in who.notes)
    firm = fake_of(
        issuer=VN_ISSUER,
        claims={"acr": "LoA1", "LoaiTaiKhoan": "2", "MaSoThue": "0100109106"},
        userinfo={"TenDoanhNghiep": "CÔNG TY A"},
    )
    login = login_with(firm, provider=portal_of(firm), profile=ek.profile("vn"))
    who = run(firm, login).principal
    assert (who.kind, who.person) == ("ORGANISATION", None)
    assert who.identifier == ek.Identifier("VN", "MST", "0100109106")
    assert who.assurance.federation == "SIGNED"
    odd = fake_of(issuer=VN_ISSUER, claims={"LoaiTaiKhoan": "3"}, userinfo={})
    login = login_with(odd, provider=portal_of(odd), profile=ek.profile("vn"))
    with pytest.raises(LoginAnswerError):
        run(odd, login)


def test_mygovid_with_structures() -> None:
    fake = fake_of(
        issuer=None,
        claims={"user": {"pin": "5ABC123", "firstName": "ƏLİ", "lastName": "MƏMMƏDOV"}},
        certificates=[
            {"serialNumber": "1", "structureData": None},
            {"structureData": {
                "voen": "1234567891", "structureName": "MMC", "position": "Direktor",
                "hasStamp": True,
            }},
            {"structureData": {"structureName": "Adsız"}},
        ],
    )  # fmt: skip
    provider = mygovid(base=fake.base, certificates=True)
    fake.base = provider.token_endpoint.rpartition("/")[0]
    login = login_with(fake, provider=provider, profile=ek.profile("az"))
    fake.lies.add("no-nonce")
    who = run(fake, login).principal
    assert who.identifier == ek.Identifier("AZ", "FIN", "5ABC123")
    assert (who.assurance.overall, who.assurance.federation) == ("LOW", "SIGNED")
    (mandate,) = who.mandates
    assert mandate.seal
    assert any("not identified" in note for note in who.notes)
    fake.lies = {"audience"}
    with pytest.raises(LoginAnswerError) as caught:
        run(fake, login)
    assert caught.value.code == "login.token-audience"
    fake.lies = {"nonce"}
    with pytest.raises(LoginAnswerError) as caught:
        run(fake, login)
    assert caught.value.code == "login.token-nonce"
    fake.lies.clear()
    fake.claims["is_active"] = False
    with pytest.raises(LoginRefusedError) as refused:
        run(fake, login)
    assert refused.value.code == "login.account-inactive"


def test_key_rollover_and_no_storm_of_fetches() -> None:
    fake = fake_of()
    login = login_with(fake)
    run(fake, login)
    fake.rotate()

    def later(seconds: int) -> Any:
        at = AT + timedelta(seconds=seconds)
        fake.now = at
        begun = login.begin(session_secret=SESSION, at=at)
        return login.finish(fake.log_in(begun.url), begun.pending, session_secret=SESSION, at=at)

    def fetches() -> int:
        return sum(request.url.endswith("/jwks") for request in fake.requests)

    with pytest.raises(LoginAnswerError):
        later(5)
    assert fetches() == 1
    assert later(31)
    assert fetches() == 2
    assert later(40)
    assert fetches() == 2
    later(31 + 3600)
    assert fetches() == 3


def test_state_belongs_to_one_browser_and_provider() -> None:
    fake = fake_of()
    login = login_with(fake)
    begun = login.begin(session_secret=SESSION, at=AT)
    query = fake.log_in(begun.url)
    other = login_with(fake, known={"name": "another"})
    with pytest.raises(LoginStateError):
        other.finish(query, begun.pending, session_secret=SESSION, at=AT)
    with pytest.raises(LoginStateError):
        login.finish(query, None, session_secret=SESSION, at=AT)
    login.finish(query, begun.pending, session_secret=SESSION, at=AT)
    with pytest.raises(LoginStateError) as caught:
        login.finish(query, begun.pending, session_secret=SESSION, at=AT)
    assert caught.value.code == "login.state-used"


def test_a_code_of_another_login_fails_by_pkce() -> None:
    fake = fake_of()
    login = login_with(fake)
    first = login.begin(session_secret=SESSION, at=AT)
    second = login.begin(session_secret=SESSION, at=AT)
    stolen = fake.log_in(first.url)["code"]
    query = {**fake.log_in(second.url), "code": stolen}
    with pytest.raises(LoginRefusedError) as caught:
        login.finish(query, second.pending, session_secret=SESSION, at=AT)
    assert "invalid_grant" in caught.value.detail
    assert stolen not in str(caught.value)


def test_the_person_says_no() -> None:
    fake = fake_of()
    login = login_with(fake)
    for error, code in (("access_denied", "login.cancelled"), ("server_error", "login.refused")):
        begun = login.begin(session_secret=SESSION, at=AT)
        with pytest.raises(LoginRefusedError) as caught:
            login.finish(
                fake.refuse(begun.url, error), begun.pending, session_secret=SESSION, at=AT
            )
        assert caught.value.code == code


def test_mixed_up_providers() -> None:
    fake = fake_of()
    login = login_with(fake)
    begun = login.begin(session_secret=SESSION, at=AT)
    query = {**fake.log_in(begun.url), "iss": "https://evil.test"}
    with pytest.raises(LoginAnswerError) as caught:
        login.finish(query, begun.pending, session_secret=SESSION, at=AT)
    assert caught.value.code == "login.token-issuer"


def test_basic_authentication_and_log_out() -> None:
    fake = fake_of(client_secret="a:b c%")
    login = login_with(fake, client=fake.client(authentication="basic"))
    done = run(fake, login)
    assert login.log_out_url(done, return_to="https://portal.test").startswith(
        f"{fake.base}/logout?id_token_hint="
    )
    assert b"secret" not in (fake.requests[0].body or b"")


def test_max_age() -> None:
    fake = fake_of()
    login = login_with(fake, known={"max_age": timedelta(minutes=5)})
    assert run(fake, login)
    fake.claims["auth_time"] = int((AT - timedelta(hours=1)).timestamp())
    with pytest.raises(LoginAnswerError) as caught:
        run(fake, login)
    assert caught.value.code == "login.token-age"


def test_discovery_must_be_of_the_issuer() -> None:
    fake = fake_of(algorithm="ES256")
    issuer = fake.issuer or ""
    known = OidcProvider.from_discovery(fake.discovery(), name="fake", issuer=issuer)
    assert known.algorithms == {"ES256"}
    with pytest.raises(LoginError):
        OidcProvider.from_discovery(fake.discovery(), name="fake", issuer="https://evil.test")
    with pytest.raises(ValueError, match="HS256"):
        fake.provider(algorithms=frozenset({"HS256"}))


def test_over_http() -> None:
    fake = fake_of()
    with LoopbackLogin(fake) as server:
        fake.base = server.url
        login = OidcLogin(
            fake.provider(identifiers={"personal_number": "EE/PNO"}),
            fake.client(),
            profile=profile_of(fake),
            transport=HttpClient(plain_http={"127.0.0.1"}),
            once=MemoryOnceStore(),
        )
        assert run(fake, login).principal.person.identified
    with pytest.raises(LoginError) as caught:
        run(fake, login)
    assert caught.value.code == "login.provider-unreachable"


def test_plain_http_is_for_named_hosts_only() -> None:
    with pytest.raises(ek.EvidenceError) as caught:
        from esign_kit.model.http import HttpRequest

        HttpClient().send(HttpRequest("GET", "http://login.test/"))
    assert caught.value.code == "fetch.scheme"
