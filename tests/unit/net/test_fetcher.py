from __future__ import annotations

import gzip
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

import pytest

from esign_kit.errors import EvidenceError
from esign_kit.model.evidence import FetchPurpose, FetchRequest
from esign_kit.model.limits import Limits
from esign_kit.net.fetcher import ENVIRONMENT, HttpFetcher
from esign_kit.net.guard import Guard
from tests.unit.net.loopback import http

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.net.loopback import Loopback

HERE = Guard.of(networks=["127.0.0.0/8"])


def get(url: str, fetcher: HttpFetcher | None = None, **request: Any) -> bytes:
    fetcher = fetcher or HttpFetcher(guard=HERE, seconds=5)
    return fetcher.fetch(FetchRequest(FetchPurpose.OCSP, url, **request)).body


def code(url: str, fetcher: HttpFetcher | None = None, **request: Any) -> str:
    with pytest.raises(EvidenceError) as caught:
        get(url, fetcher, **request)
    return caught.value.code


def test_get_and_post(serve: Callable[..., Loopback]) -> None:
    server = serve(http(b"answer", fields="Content-Type: application/ocsp-response\r\n"))
    fetcher = HttpFetcher(guard=HERE)
    request = FetchRequest(
        FetchPurpose.OCSP, server.url + "/a?b", b"question", "application/ocsp-request"
    )
    response = fetcher.fetch(request)
    assert response.body == b"answer"
    assert response.media_type == "application/ocsp-response"
    assert response.request is request
    sent = server.requests[0]
    assert sent.startswith(b"POST /a?b HTTP/1.1\r\n")
    assert sent.endswith(b"\r\n\r\nquestion")
    assert b"Content-Type: application/ocsp-request" in sent
    assert b"User-Agent: esign-kit/" in sent
    assert sent.count(b"Host: 127.0.0.1:") == 1
    assert get(server.url) == b"answer"
    assert server.requests[1].startswith(b"GET / HTTP/1.1\r\n")


def test_loopback_is_refused_by_default(tripwire: Loopback) -> None:
    fetcher = HttpFetcher(seconds=2)
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]"):
        assert code(f"http://{host}:{tripwire.port}/", fetcher) in ("fetch.address", "fetch.dns")
    for host in ("2130706433", "0x7f000001", "127.1"):
        assert code(f"http://{host}:{tripwire.port}/", fetcher) == "fetch.host"


def test_the_connection_goes_to_the_judged_address(
    serve: Callable[..., Loopback], tripwire: Loopback
) -> None:
    """A name that answers differently the second time (rebinding) gains nothing."""
    server = serve(http(b"right"))
    answers = iter([["127.0.0.1"]])

    def resolve(host: str, port: int) -> list[str]:
        return next(answers)

    fetcher = HttpFetcher(guard=Guard.of(networks=["127.0.0.0/8"], resolve=resolve))
    assert get(f"http://responder.test:{server.port}/", fetcher) == b"right"
    assert f"Host: responder.test:{server.port}".encode() in server.requests[0]


def test_redirects_stay_on_the_host(serve: Callable[..., Loopback], tripwire: Loopback) -> None:
    def once(connection: socket.socket, head: bytes) -> None:
        if head.startswith(b"GET /old "):
            connection.sendall(http(b"", status="302 Found", fields="Location: /new\r\n"))
        elif head.startswith(b"GET /new "):
            connection.sendall(http(b"moved"))
        elif head.startswith(b"GET /loop "):
            connection.sendall(http(b"", status="301 Moved", fields="Location: /loop\r\n"))
        elif head.startswith(b"GET /nowhere "):
            connection.sendall(http(b"", status="302 Found"))
        else:
            field = f"Location: http://127.0.0.1:{tripwire.port}/\r\n"
            connection.sendall(http(b"", status="307 Away", fields=field))

    server = serve(once)
    assert get(server.url + "/old") == b"moved"
    assert code(server.url + "/loop") == "fetch.redirect"
    assert len(server.requests) == 2 + 4
    assert code(server.url + "/nowhere") == "fetch.redirect"
    assert code(server.url + "/other") == "fetch.redirect"
    assert code(server.url + "/old", body=b"x") == "fetch.redirect"


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "http://169.254.169.254/", "//[", "\x01"])
def test_redirects_to_worse_places(serve: Callable[..., Loopback], location: str) -> None:
    server = serve(http(b"", status="302 Found", fields=f"Location: {location}\r\n"))
    assert code(server.url).startswith("fetch.")


def test_a_thousand_megabytes(serve: Callable[..., Loopback]) -> None:
    def declared(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")

    sent = 0

    def endless(connection: socket.socket, head: bytes) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        while sent < 1 << 30:
            sent += connection.send(b"\0" * 65536)

    fetcher = HttpFetcher(guard=HERE, limits=Limits(ocsp_size=100_000))
    assert code(serve(declared).url, fetcher) == "fetch.too-large"
    assert code(serve(endless).url, fetcher) == "fetch.too-large"
    assert sent < 16 << 20


def test_the_limit_depends_on_what_is_fetched(serve: Callable[..., Loopback]) -> None:
    server = serve(http(b"x" * 5000))
    fetcher = HttpFetcher(guard=HERE, limits=Limits(ocsp_size=1000, crl_size=10_000))
    assert code(server.url, fetcher) == "fetch.too-large"
    answer = fetcher.fetch(FetchRequest(FetchPurpose.CRL, server.url))
    assert len(answer.body) == 5000


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "fetch.cut"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf", "fetch.cut"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "fetch.cut"),
        (b"HTTP/1.1 500 Broken\r\n\r\n", "fetch.status"),
        (b"HTTP/1.1 404 Gone\r\n\r\n", "fetch.status"),
        (b"HTTP/1.1 204 Empty\r\n\r\n", "fetch.status"),
        (b"rubbish\r\n\r\n", "fetch.protocol"),
        (b"", "fetch.protocol"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", "fetch.protocol"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", "fetch.protocol"),
        (b"HTTP/1.1 9999999 OK\r\n\r\n", "fetch.protocol"),
    ],
)
def test_lying_and_broken_servers(
    serve: Callable[..., Loopback], answer: bytes, expected: str
) -> None:
    assert code(serve(answer).url) == expected


def test_chunked_answers_are_read(serve: Callable[..., Loopback]) -> None:
    server = serve(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    assert get(server.url) == b"abcde"


def test_packed_answers_are_refused(serve: Callable[..., Loopback]) -> None:
    server = serve(http(gzip.compress(b"x" * 1000), fields="Content-Encoding: gzip\r\n"))
    assert code(server.url) == "fetch.encoding"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FLOODS = {
    "heads": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"A: b\r\n"),
    "crumbs": (CHUNKED, b"1\r\nx\r\n"),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_what_frames_an_answer_is_bounded_too(serve: Callable[..., Loopback], flood: str) -> None:
    """Heads, trailers and crumbs carry no body, and would keep a processor busy to the deadline."""
    begin, more = FLOODS[flood]

    def endless(connection: socket.socket, head: bytes) -> None:
        connection.sendall(begin)
        while True:
            connection.sendall(more * 1000)

    fetcher = HttpFetcher(guard=HERE, limits=Limits(ocsp_size=100_000), seconds=20)
    assert code(serve(endless).url, fetcher) == "fetch.protocol"


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert code(f"http://127.0.0.1:{port}/") == "fetch.connect"


@pytest.mark.parametrize("part", ["silence", "head", "body"])
def test_slow_servers_gain_no_time_by_dripping(serve: Callable[..., Loopback], part: str) -> None:
    server: Loopback

    def drip(connection: socket.socket, head: bytes) -> None:
        if part == "silence":
            server.closing.wait(5)
            return
        if part == "body":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not server.closing.wait(0.05):
            connection.sendall(b"x")

    server = serve(drip)
    begin = time.monotonic()
    assert code(server.url, HttpFetcher(guard=HERE, seconds=0.5)) == "fetch.timeout"
    assert time.monotonic() - begin < 2


def test_one_job_has_so_many_fetches_and_seconds(serve: Callable[..., Loopback]) -> None:
    server = serve(http(b"x"))
    job = HttpFetcher(guard=HERE).bounded(seconds=5, fetches=2)
    assert get(server.url, job) == get(server.url, job) == b"x"
    assert code(server.url, job) == "fetch.count"
    assert len(server.requests) == 2
    over = HttpFetcher(guard=HERE).bounded(seconds=0.0, fetches=2)
    assert code(server.url, over) == "fetch.timeout"
    assert len(server.requests) == 2


def test_the_environment_is_not_asked_for_a_proxy(
    serve: Callable[..., Loopback], tripwire: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{tripwire.port}")
    assert get(serve(http(b"direct")).url) == b"direct"


def test_a_proxy_by_name(serve: Callable[..., Loopback], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(http(b"by proxy"))
    fetcher = HttpFetcher(proxy=f"http://me:p%40ss@127.0.0.1:{proxy.port}")
    assert get("http://responder.test/path", fetcher) == b"by proxy"
    sent = proxy.requests[0]
    assert sent.startswith(b"GET http://responder.test/path HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6cEBzcw==" in sent
    # What is a literal private address stays refused, proxy or not.
    assert code("http://10.0.0.1/", fetcher) == "fetch.address"
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    assert get("http://responder.test/", HttpFetcher(proxy=ENVIRONMENT)) == b"by proxy"
    assert len(proxy.requests) == 2


def test_a_proxy_that_fails_is_blamed_itself(serve: Callable[..., Loopback]) -> None:
    gone = serve(http(b""))
    gone.close()
    with pytest.raises(EvidenceError, match=rf"the proxy \S+:{gone.port} cannot be"):
        get("http://responder.test/", HttpFetcher(proxy=f"http://127.0.0.1:{gone.port}"))
    locked = serve(http(b"", status="407 Proxy Authentication Required"))
    with pytest.raises(EvidenceError, match=r"the proxy .* asks for a user"):
        get("http://responder.test/", HttpFetcher(proxy=f"http://127.0.0.1:{locked.port}"))


def test_a_proxy_is_no_way_out_of_a_closed_network(tripwire: Loopback) -> None:
    guard = Guard.of(networks=["10.1.0.0/16"], only_listed=True)
    fetcher = HttpFetcher(guard=guard, proxy=f"http://127.0.0.1:{tripwire.port}")
    assert code("http://public.test/", fetcher) == "fetch.not-listed"
    assert code("https://public.test/", fetcher) == "fetch.not-listed"


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "127.0.0.1:1", "http://x:y", "http://"])
def test_proxies_that_are_none(proxy: str) -> None:
    assert code("http://responder.test/", HttpFetcher(proxy=proxy)) == "fetch.proxy"


def _tls_pair(tmp_path: Any, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    file.write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    client = ssl.create_default_context(cadata=pem.decode())
    return server, client


def _tls_handler(context: ssl.SSLContext) -> Callable[[socket.socket, bytes], None]:
    def handle(connection: socket.socket, head: bytes) -> None:
        assert head.startswith(b"CONNECT ")
        connection.sendall(b"HTTP/1.1 200 Yes\r\n\r\n")
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(http(b"secret"))

    return handle


def test_tls_through_a_proxy_checks_the_name(serve: Callable[..., Loopback], tmp_path: Any) -> None:
    server, client = _tls_pair(tmp_path, "responder.test")
    proxy = serve(_tls_handler(server))
    fetcher = HttpFetcher(proxy=f"http://127.0.0.1:{proxy.port}", tls=client, seconds=5)
    assert get("https://responder.test/", fetcher) == b"secret"
    assert proxy.requests[0].startswith(b"CONNECT responder.test:443 HTTP/1.1\r\n")
    assert code("https://other.test/", fetcher) == "fetch.tls"
    stranger = HttpFetcher(proxy=f"http://127.0.0.1:{proxy.port}", seconds=5)
    assert code("https://responder.test/", stranger) == "fetch.tls"


def test_a_proxy_that_says_no(serve: Callable[..., Loopback]) -> None:
    for answer in (b"HTTP/1.1 403 No\r\n\r\n", b"", b"x" * 20_000, b"\r\n\r\n"):
        proxy = serve(answer)
        fetcher = HttpFetcher(proxy=f"http://127.0.0.1:{proxy.port}", seconds=5)
        assert code("https://responder.test/", fetcher) == "fetch.proxy"


def test_tls_directly(tmp_path: Any) -> None:
    import threading

    server, client = _tls_pair(tmp_path, "responder.test")
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)

    def answer() -> None:
        connection, _ = listener.accept()
        with server.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(http(b"secret"))

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    guard = Guard.of(networks=["127.0.0.0/8"], resolve=lambda host, port: ["127.0.0.1"])
    fetcher = HttpFetcher(guard=guard, tls=client, seconds=5)
    port = listener.getsockname()[1]
    assert get(f"https://responder.test:{port}/", fetcher) == b"secret"
    thread.join(5)
    listener.close()


def test_a_silent_host_is_left_alone_for_a_while(serve: Callable[..., Loopback]) -> None:
    server: Loopback

    def silent(connection: socket.socket, head: bytes) -> None:
        server.closing.wait(5)

    server = serve(silent)
    other = serve(http(b"well"))
    fetcher = HttpFetcher(guard=HERE, seconds=0.3, pause=0.5)
    assert code(server.url, fetcher) == "fetch.timeout"
    begin = time.monotonic()
    assert code(server.url, fetcher) == "fetch.paused"
    assert code(server.url, fetcher.bounded(seconds=5, fetches=1)) == "fetch.paused"
    assert time.monotonic() - begin < 0.2
    assert get(other.url, fetcher) == b"well"
    server.handler = http(b"back")
    time.sleep(0.5)
    assert get(server.url, fetcher) == b"back"
    # An answer that is no good is an answer: nothing is paused.
    busy = serve(http(b"", status="503 Busy"))
    assert code(busy.url, fetcher) == code(busy.url, fetcher) == "fetch.status"


def test_silent_hosts_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    from esign_kit.net import fetcher as module

    def gone(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    monkeypatch.setattr(module, "_MAX_SILENT", 10)
    fetcher = HttpFetcher(guard=Guard.of(resolve=gone), pause=0.2)
    for number in range(30):
        assert code(f"http://{number}.test/", fetcher) == "fetch.dns"
    assert len(fetcher._silent) == 10
    time.sleep(0.25)
    assert code("http://later.test/", fetcher) == "fetch.dns"
    assert list(fetcher._silent) == ["later.test"]


def test_the_system_s_anchors_are_loaded_once_for_all_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[int] = []
    real = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: loaded.append(1) or real())
    fetcher = HttpFetcher(guard=Guard.of(networks=["127.0.0.0/8"]), seconds=1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for _ in range(3):
        job = fetcher.bounded(seconds=2, fetches=2)
        assert code(f"https://127.0.0.1:{port}/", job) == "fetch.connect"
    assert loaded == [1]


def test_a_fetcher_travels_to_other_processes(
    serve: Callable[..., Loopback], tmp_path: Any
) -> None:
    import pickle

    from esign_kit.net import CachingFetcher, SqliteCache

    server = serve(http(b"x"))
    fetcher = CachingFetcher(HttpFetcher(guard=HERE, ocsp_nonce=True), SqliteCache(tmp_path / "c"))
    copy = pickle.loads(pickle.dumps(fetcher))
    assert copy.ocsp_nonce is True
    assert copy.fetch(FetchRequest(FetchPurpose.OCSP, server.url)).body == b"x"
