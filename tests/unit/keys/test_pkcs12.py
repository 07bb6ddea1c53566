"""PKCS#12 of every kind, and every way in which opening one can fail."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

import esign_kit as ek
from esign_kit.asn1.reader import children, encode, encode_integer, encode_oid, read_all
from esign_kit.errors import KeyStoreError, LimitError
from esign_kit.keys import HeldKey, Pkcs12
from esign_kit.model.limits import Limits
from esign_kit.model.signature import Purpose
from esign_kit.testing import FixturePKI, keys as test_keys
from esign_kit.testing.export import pem, pkcs12
from tests.corpora import national

if TYPE_CHECKING:
    from pathlib import Path

openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")
PKI = FixturePKI()
PERSON = PKI.person("1001")
LOGIN = PKI.person("1001", purpose=Purpose.AUTHENTICATION)
HEAD = PKI.employee("1002", "2002", "head")


def _code(data: object, password: str | bytes | None = "pw", **options: object) -> str:
    with pytest.raises(ek.EsignError) as caught:
        Pkcs12.open(data, password=password, **options)
    assert isinstance(caught.value, (KeyStoreError, LimitError))
    return caught.value.code


def _works(key: HeldKey) -> bool:
    from esign_kit import crypto

    algorithm = key.algorithms[0]
    value = key.sign(b"data", algorithm)
    return crypto.verify(crypto.load_public_key(key.view.spki), algorithm, value, b"data")


# ── what opens ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("scheme", ["aes", "3des", "none"])
@pytest.mark.parametrize("password", ["pw", "", "Құпиясөз1", "パス", "😀"])
@pytest.mark.parametrize("mac", ["sha1", "sha256", "sha512", ""])
def test_ours(scheme: str, password: str, mac: str) -> None:
    data = pkcs12(PERSON, password, scheme=scheme, mac=mac, iterations=7)
    for given in (password, password.encode()):
        with ek.Pkcs12.open(data, password=given) as store:
            key = store.find(purpose=ek.Purpose.SIGNING)
            assert key.certificate_der == PERSON.certificate.der
            assert key.chain_der == (PKI.issuing.certificate.der,)
            assert key.name == PERSON.certificate.label
            assert _works(key)


@pytest.mark.parametrize(
    "kind", ["rsa", "ec", "p521", "brainpool", "ed25519", "ed448", "gost", "gost-2004", "ozdst"]
)
def test_kinds_of_keys(kind: str, tmp_path: Path) -> None:
    holder = FixturePKI(key=kind).person()
    holder.export_p12(tmp_path / "k.p12", "pw")
    with Pkcs12.open(tmp_path / "k.p12", password="pw") as store:
        key = store.find(purpose=Purpose.SIGNING)
        assert key.algorithms[0].name == holder.private_key.algorithms[0].name
        assert _works(key)
        assert key.certificate.serial_number == holder.serial


def _indefinite(der: bytes) -> bytes:
    """Rewrite as BER: constructed values get indefinite lengths, octet strings two segments."""
    value = read_all(der)
    if value.tag & 0x20:
        inner = b"".join(_indefinite(item.raw) for item in value)
        return bytes((value.tag, 0x80)) + inner + b"\x00\x00"
    if value.tag == 0x04 and len(value.contents) > 40:
        contents = value.contents
        first, rest = encode(0x04, contents[:40]), encode(0x04, contents[40:])
        return b"\x24\x80" + first + rest + b"\x00\x00"
    if value.tag == 0x80 and len(value.contents) > 40:
        first, rest = value.contents[:40], value.contents[40:]
        return b"\xa0\x80" + encode(0x04, first) + encode(0x04, rest) + b"\x00\x00"
    return der


@pytest.mark.parametrize("scheme", ["aes", "3des", "none"])
def test_ber(scheme: str) -> None:
    # The authenticated content is octets under the MAC: only the framing around it changes.
    data = _indefinite(pkcs12(PERSON, "pw", scheme=scheme))
    assert b"\x24\x80" in data
    assert _works(Pkcs12.open(data, password="pw").find())
    # Without a MAC the inside may be BER as well.
    outer = read_all(pkcs12(PERSON, "pw", scheme=scheme, mac="")).items()
    content = outer[1].items()[1].items()[0].contents
    inside = encode(
        0x30, encode_oid("1.2.840.113549.1.7.1"), encode(0xA0, encode(4, _indefinite(content)))
    )
    assert _works(Pkcs12.open(encode(0x30, encode_integer(3), inside), password="pw").find())


def test_pbmac1() -> None:
    """RFC 9579; a present-day library is the second opinion."""
    import hashlib
    import hmac

    from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

    def hmac_id(oid: str) -> bytes:
        return encode(0x30, encode_oid(oid), b"\x05\x00")

    bare = read_all(pkcs12(PERSON, "Құпия", mac=""))
    content = bare.items()[1].items()[1].items()[0].contents
    for digest, oid in (("sha256", "1.2.840.113549.2.9"), ("sha512", "1.2.840.113549.2.11")):
        key = hashlib.pbkdf2_hmac("sha256", "Құпия".encode(), b"saltsalt", 2048, 32)
        kdf = encode(
            0x30,
            encode(0x04, b"saltsalt"),
            encode_integer(2048),
            encode_integer(32),
            hmac_id("1.2.840.113549.2.9"),
        )
        parameters = encode(
            0x30, encode(0x30, encode_oid("1.2.840.113549.1.5.12"), kdf), hmac_id(oid)
        )
        algorithm = encode(0x30, encode_oid("1.2.840.113549.1.5.14"), parameters)
        value = encode(0x04, hmac.digest(key, content, digest))
        mac = encode(0x30, encode(0x30, algorithm, value), encode(0x04, b"x"), encode_integer(2))
        data = encode(0x30, bare.contents, mac)
        try:
            assert load_pkcs12(data, "Құпия".encode()).key is not None
        except ValueError:
            pytest.skip("this library does not know PBMAC1")
        assert _works(Pkcs12.open(data, password="Құпия").find())
        assert _code(data, "құпия") == "keys.wrong-password"
        assert _code(data.replace(b"saltsalt", b"pepperpp"), "Құпия") == "keys.wrong-password"


@openssl
@pytest.mark.parametrize(
    "options",
    [
        *(
            f"-legacy -certpbe {pbe} -keypbe {pbe}"
            for pbe in (
                "PBE-SHA1-RC4-128", "PBE-SHA1-RC4-40", "PBE-SHA1-3DES", "PBE-SHA1-2DES",
                "PBE-SHA1-RC2-128", "PBE-SHA1-RC2-40", "AES-128-CBC", "AES-192-CBC",
                "AES-256-CBC", "DES-EDE3-CBC", "RC2-CBC", "DES-CBC", "NONE",
            )
        ),
        "-legacy",
        "-nomac",
        *(f"-macalg {digest}" for digest in ("md5", "sha224", "sha384", "sha512")),
    ],
)  # fmt: skip
def test_made_by_openssl(options: str, tmp_path: Path) -> None:
    (tmp_path / "in.pem").write_bytes(
        pem(PERSON.private_key.pkcs8, "PRIVATE KEY") + pem(PERSON.certificate.der)
    )
    done = subprocess.run(
        ["openssl", "pkcs12", "-export", *options.split(), "-in", "in.pem", "-out", "out.p12",
         "-passout", "pass:pw"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode and "legacy" in done.stderr:
        pytest.skip("this openssl has no legacy provider")
    assert done.returncode == 0, done.stderr
    assert _works(Pkcs12.open(tmp_path / "out.p12", password="pw").find())
    assert _code(tmp_path / "out.p12", "PW") == "keys.wrong-password"
    assert _code(tmp_path / "out.p12", None) == "keys.password-needed"


@pytest.mark.skipif(shutil.which("keytool") is None, reason="no keytool command")
def test_made_by_keytool(tmp_path: Path) -> None:
    subprocess.run(
        ["keytool", "-genkeypair", "-alias", "one", "-keyalg", "EC", "-groupname", "secp256r1",
         "-dname", "CN=Tool", "-storetype", "PKCS12", "-keystore", "k.p12", "-storepass", "secret"],
        cwd=tmp_path, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    key = Pkcs12.open(tmp_path / "k.p12", password="secret").find()
    assert _works(key) and key.name == "one"


@pytest.mark.parametrize("name", ["individual_sign", "individual_auth", "ceo_auth"])
def test_real_kazakh_rsa_files(name: str) -> None:
    path = national("kz", "p12", f"2023_rsa_{name}.p12")
    with Pkcs12.open(path, password="Qwerty12") as store:
        key = store.find()
        expected = Purpose.SIGNING if name.endswith("sign") else Purpose.AUTHENTICATION
        assert key.purpose is expected
        assert _works(key)
        if expected is Purpose.AUTHENTICATION:
            with pytest.raises(KeyStoreError) as caught:
                store.find(purpose=Purpose.SIGNING)
            assert caught.value.code == "keys.no-such-key"
    assert _code(path, "qwerty12") == "keys.wrong-password"


@pytest.mark.parametrize("name", ["2023_gost2004_hr", "2026_gost2015_ceo"])
def test_national_keys_are_usable_or_named(name: str) -> None:
    path = national("kz", "p12", f"{name}.p12")
    store = Pkcs12.look(path, password="Qwerty12")
    (entry,) = store.entries
    assert entry.certificate is not None and entry.purpose is Purpose.SIGNING
    assert entry.algorithm.startswith("1.2.398.3.10.1.1.")
    if entry.key is None:
        assert entry.algorithm in entry.problem
        assert _code(path, "Qwerty12") == "keys.unsupported-key"
    else:
        assert _works(entry.key)


# ── what does not ─────────────────────────────────────────────────────────────────────────────


def test_each_failure_has_its_own_code(tmp_path: Path) -> None:
    good = pkcs12(PERSON, "pw")
    assert _code(good, "other") == "keys.wrong-password"
    assert _code(good, None) == _code(good, "") == "keys.password-needed"
    assert _code(b"") == "keys.not-pkcs12"
    assert _code(b"hello") == "keys.not-pkcs12"
    assert _code(good[:-1]) == "keys.not-pkcs12"
    assert _code(good + b"x") == "keys.not-pkcs12"
    assert _code(PERSON.certificate.der) == "keys.not-pkcs12"
    assert _code(pem(PERSON.private_key.pkcs8, "PRIVATE KEY")) == "keys.not-pkcs12"
    assert _code(tmp_path / "absent.p12") == "keys.no-such-file"
    assert _code(tmp_path) == "keys.no-such-file"
    assert _code("nul\0byte") == "keys.no-such-file"


def test_a_flipped_bit_never_opens() -> None:
    good = bytearray(pkcs12(PERSON, "pw", iterations=1))
    for position in range(0, len(good), 7):
        good[position] ^= 0x10
        try:
            store = Pkcs12.open(bytes(good), password="pw")
        except (KeyStoreError, LimitError):
            pass
        else:
            # The iteration count is under no MAC itself; what opens must be the same key.
            assert store.find().certificate_der == PERSON.certificate.der
        good[position] ^= 0x10


def test_a_file_without_a_key() -> None:
    empty = encode(0x30, b"")
    inside = encode(0x30, encode_oid("1.2.840.113549.1.7.1"), encode(0xA0, encode(4, empty)))
    assert _code(encode(0x30, encode_integer(3), inside)) == "keys.no-key"


def test_a_key_without_its_certificate() -> None:
    stranger = PKI.near_miss("other-key")
    store = Pkcs12.open(pkcs12(stranger, "pw"), password="pw")
    with pytest.raises(KeyStoreError) as caught:
        store.find()
    assert caught.value.code == "keys.no-certificate"


def test_the_certificate_that_fits_the_key_is_taken() -> None:
    # Two holders' certificates with their localKeyIDs exchanged: only the key decides.
    data = pkcs12([PERSON, HEAD], "pw", scheme="none", mac="")
    one = PERSON.certificate.subject_key_identifier
    two = HEAD.certificate.subject_key_identifier
    marker = encode(0x04, one)
    swapped = data.replace(marker, b"\x00" * 22).replace(encode(0x04, two), marker)
    swapped = swapped.replace(b"\x00" * 22, encode(0x04, two))
    for store in (Pkcs12.open(data), Pkcs12.open(swapped)):
        found = list(store.keys())
        assert len(found) == 2
        assert all(_works(key) for key in found)


def _with_count(data: bytes, old: int, new: int) -> bytes:
    """Rewrite every INTEGER of that value, and the lengths around it."""

    def walk(der: bytes) -> bytes:
        value = read_all(der)
        if value.tag == 0x02 and value.raw == encode_integer(old):
            return encode_integer(new)
        if value.tag & 0x20:
            return encode(value.tag, b"".join(walk(item.raw) for item in value))
        if value.tag == 0x04:
            try:
                inner = b"".join(walk(i.raw) for i in children(value.data, value.start, value.stop))
            except ek.InputError:
                return der
            return encode(0x04, inner)
        return der

    return walk(data)


@pytest.mark.parametrize(
    "count", [10_000_001, 2**31, 2**64, 10**15, 1 << 40_000], ids=lambda n: f"{n.bit_length()}-bits"
)
@pytest.mark.parametrize("mac", [None, ""])
def test_endless_work_is_refused_before_it_starts(count: int, mac: str | None) -> None:
    data = pkcs12(PERSON, "pw", iterations=4321, mac=mac)
    assert _works(Pkcs12.open(_with_count(data, 4321, 4321), password="pw").find())
    assert _code(_with_count(data, 4321, count)) == "keys.over-limit"


@pytest.mark.parametrize("count", [0, -1])
def test_impossible_counts(count: int) -> None:
    assert _code(_with_count(pkcs12(PERSON, "pw", iterations=4321), 4321, count)) == (
        "keys.not-pkcs12"
    )


def test_work_is_summed_over_the_file() -> None:
    several = pkcs12([PERSON, LOGIN, HEAD], "pw", iterations=1000)
    limits = Limits().with_(kdf_iterations=4999)
    assert _code(several, limits=limits) == "keys.over-limit"
    Pkcs12.open(several, password="pw", limits=limits.with_(kdf_iterations=5000))


def test_costly_keys_are_refused_before_they_are_checked() -> None:
    # Published primes: testing these two anew takes OpenSSL three quarters of a minute.
    p, q = 2**9689 - 1, 2**4423 - 1
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = (0, p * q, 65537, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    rsa = encode(0x30, *(encode_integer(number) for number in numbers))
    pkcs8 = encode(0x30, encode_integer(0), test_keys._RSA_ID, encode(0x04, rsa))
    holder = PKI.near_miss("other-key")
    genuine = holder.private_key
    for key in (pkcs8, rsa):
        holder.private_key = type("Key", (), {"pkcs8": key})()
        assert _code(pkcs12(holder, "pw")) == "keys.over-limit"
    holder.private_key = genuine
    many = pkcs12([holder] * 600, "pw", scheme="none", mac="")
    assert _code(many) == "keys.over-limit"
    limits = Limits().with_(key_checks=8)
    one = FixturePKI(key="rsa").person()
    assert Pkcs12.open(pkcs12(one, "pw"), password="pw", limits=limits).find()
    assert _code(pkcs12([one, one], "pw"), limits=limits) == "keys.over-limit"


def test_old_ciphers_over_megabytes_are_refused() -> None:
    parameters = encode(0x30, encode(0x04, b"saltsalt"), encode_integer(1))
    for arc, size in (("1", 11_000_000), ("6", 1_000_000)):
        algorithm = encode(0x30, encode_oid("1.2.840.113549.1.12.1." + arc), parameters)
        info = encode(
            0x30, encode_oid("1.2.840.113549.1.7.1"), algorithm, encode(0x80, bytes(size))
        )
        safe = encode(
            0x30,
            encode_oid("1.2.840.113549.1.7.6"),
            encode(0xA0, encode(0x30, encode_integer(0), info)),
        )
        content = encode(0xA0, encode(0x04, encode(0x30, safe)))
        outer = encode(0x30, encode_oid("1.2.840.113549.1.7.1"), content)
        assert _code(encode(0x30, encode_integer(3), outer)) == "keys.over-limit"


def test_size_is_limited(tmp_path: Path) -> None:
    data = pkcs12(PERSON, "pw")
    (tmp_path / "big.p12").write_bytes(data)
    limits = Limits().with_(key_file_size=len(data) - 1)
    assert _code(data, limits=limits) == "keys.over-limit"
    assert _code(tmp_path / "big.p12", limits=limits) == "keys.over-limit"


# ── finding ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def three() -> Pkcs12:
    return Pkcs12.open(pkcs12([LOGIN, PERSON, HEAD], "pw"), password="pw")


def test_find(three: Pkcs12) -> None:
    assert three.find(purpose=Purpose.AUTHENTICATION).certificate_der == LOGIN.certificate.der
    assert three.find(serial=HEAD.serial).certificate_der == HEAD.certificate.der
    by_view = three.find(certificate=PERSON.certificate)
    assert by_view.certificate_der == three.find(certificate=PERSON.certificate.der).certificate_der
    for subject in (HEAD.certificate.label, "PNOXX-1002", "1002", "2002", "ntrxx-2002"):
        assert three.find(subject=subject).certificate_der == HEAD.certificate.der
    both = {"purpose": Purpose.SIGNING, "subject": "1001"}
    assert three.find(**both).certificate_der == PERSON.certificate.der


def test_several_fit_and_none_fits(three: Pkcs12) -> None:
    with pytest.raises(KeyStoreError) as caught:
        three.find(purpose=Purpose.SIGNING)
    assert caught.value.code == "keys.ambiguous"
    for holder in (PERSON, HEAD, LOGIN):
        assert f"{holder.serial:x}" in caught.value.hint
    assert "AUTHENTICATION" in caught.value.hint
    for asked in ({"subject": "100"}, {"subject": ""}, {"serial": 5}, {"certificate": b"x"}):
        with pytest.raises(KeyStoreError) as caught:
            three.find(**asked)
        assert caught.value.code == "keys.no-such-key"


def test_validity_narrows_the_choice() -> None:
    old = PKI.near_miss("expired", person="1001")
    with Pkcs12.open(pkcs12([old, PERSON], "pw"), password="pw") as store:
        assert store.find(at=PKI.now).certificate_der == PERSON.certificate.der


def test_an_authentication_key_is_never_for_signing() -> None:
    for country, kind in (("xx", "ec"), ("kz", "rsa"), ("eidas", "ec")):
        login = FixturePKI(country, key=kind).person(purpose=Purpose.AUTHENTICATION)
        with Pkcs12.open(pkcs12(login, "pw"), password="pw") as store:
            with pytest.raises(KeyStoreError) as caught:
                store.find(purpose=Purpose.SIGNING)
            assert caught.value.code == "keys.no-such-key"


def test_a_closed_store_gives_nothing() -> None:
    with Pkcs12.open(pkcs12(PERSON, "pw"), password="pw") as store:
        pass
    for act in (store.keys, store.find):
        with pytest.raises(KeyStoreError) as caught:
            act()
        assert caught.value.code == "keys.closed"


def test_a_backend_that_fails_is_a_key_store_error() -> None:
    class Broken:
        algorithms = test_keys.make("ec", b"x", 0).algorithms

        def sign(self, data: bytes, algorithm: object) -> bytes:
            raise RuntimeError(f"secret {data!r}")

    with pytest.raises(KeyStoreError) as caught:
        HeldKey(Broken(), PERSON.certificate).sign(b"MARKER", Broken.algorithms[0])
    assert caught.value.code == "keys.sign"
    assert "MARKER" not in str(caught.value) and caught.value.__cause__ is None
