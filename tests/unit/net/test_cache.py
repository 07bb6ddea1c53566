from __future__ import annotations

import os
import pickle
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from esign_kit.errors import EvidenceError
from esign_kit.model.evidence import FetchPurpose
from esign_kit.net.cache import CacheKey, MemoryCache, seal, unseal
from esign_kit.net.redis_cache import RedisCache
from esign_kit.net.sqlite_cache import SqliteCache

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAR = time.time() + 3600
SERVERS = ("redis-server", "valkey-server")


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server: the one that is named, or one of our own on a free port."""
    import shutil

    named = os.environ.get("ESIGN_KIT_REDIS_URL")
    if named:
        yield named
        return

    program = next((p for p in map(shutil.which, SERVERS) if p), None)
    if program is None:
        message = "no redis-server and no valkey-server on this machine (apt install redis-server)"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = _server(program, port, tmp_path_factory.mktemp("redis"))
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


def _server(program: str, port: int, folder: Path) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.05)
    server.kill()
    server.wait(10)
    pytest.fail("the cache server did not start")


def on_disk(path: Path, **options: Any) -> SqliteCache:
    """A cache that keeps nothing at hand: what it says stands in the file."""
    return SqliteCache(path, memory=0, **options)


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["memory", "sqlite", "sqlite-alone", "redis", "redis-alone"])
def cache(request: Any, tmp_path: Path) -> Iterator[Any]:
    clock = Clock()
    if request.param == "memory":
        made: Any = MemoryCache(clock=clock)
    elif request.param.startswith("sqlite"):
        memory = 0 if request.param.endswith("alone") else 1 << 26
        made = SqliteCache(tmp_path / "deep" / "cache.db", clock=clock, memory=memory)
    else:
        memory = 0 if request.param.endswith("alone") else 1 << 26
        url = request.getfixturevalue("redis_url")
        made = RedisCache(url, prefix=f"test-{tmp_path.name}:", clock=clock, memory=memory)
    made.test_clock = clock
    yield made
    if hasattr(made, "close"):
        made.close()


def test_what_is_put_comes_back(cache: Any) -> None:
    assert cache.get("a") is None
    cache.put("a", b"first", FAR)
    cache.put("b", b"", FAR)
    cache.put("a", b"second", FAR)
    assert cache.get("a") == b"second"
    assert cache.get("b") == b""
    cache.drop("a")
    cache.drop("never there")
    assert cache.get("a") is None
    assert cache.get("b") == b""


def test_an_answer_is_kept_until_the_next_is_due(cache: Any) -> None:
    cache.put("a", b"value", cache.test_clock.now + 60)
    cache.put("old", b"value", cache.test_clock.now - 1)
    assert cache.get("a") == b"value"
    assert cache.get("old") is None
    cache.test_clock.now += 61
    assert cache.get("a") is None


def test_a_large_crl_fits(cache: Any) -> None:
    value = random.Random(1).randbytes(21 * 1024 * 1024)
    cache.put("crl", value, FAR)
    assert cache.get("crl") == value


def test_every_part_of_the_question_is_in_the_key() -> None:
    base = {"purpose": FetchPurpose.OCSP, "issuer": b"i", "key": b"k", "serial": 1, "scope": "s"}
    keys = {CacheKey(**base).text}
    for name, other in (
        ("purpose", FetchPurpose.CRL),
        ("issuer", b"j"),
        ("key", b"l"),
        ("serial", 2),
        ("serial", -1),
        ("serial", None),
        ("scope", "t"),
    ):
        keys.add(CacheKey(**{**base, name: other}).text)
    # Parts do not run into each other.
    keys.add(CacheKey(FetchPurpose.OCSP, b"ik", b"", 1, "s").text)
    keys.add(CacheKey(FetchPurpose.OCSP, b"", b"ik", 1, "s").text)
    assert len(keys) == 10


def test_a_seal_breaks_with_any_bit() -> None:
    entry = seal("key", b"value", 1_800_000_000.9)
    assert unseal("key", entry) == (b"value", 1_800_000_000.0)
    assert unseal("other", entry) is None
    for number in range(len(entry) * 8):
        broken = bytearray(entry)
        broken[number // 8] ^= 1 << number % 8
        assert unseal("key", bytes(broken)) is None
    for size in range(len(entry)):
        assert unseal("key", entry[:size]) is None
    assert unseal("key", entry + b"x") is None


def test_memory_has_an_end() -> None:
    cache = MemoryCache(max_bytes=100)
    for number in range(20):
        cache.put(str(number), bytes(10), FAR)
    assert cache.get("0") is None
    assert cache.get("19") == bytes(10)
    cache.put("huge", bytes(101), FAR)
    assert cache.get("huge") is None
    assert cache.get("19") == bytes(10)


def _rows(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path)


def test_sqlite_torn_and_foreign_entries_are_dropped_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    cache = on_disk(path)
    for key in ("torn", "swapped", "text", "late", "good"):
        cache.put(key, key.encode() * 100, FAR)
    cache.close()
    with _rows(path) as raw:
        raw.execute("UPDATE evidence SET entry = substr(entry, 1, 200) WHERE key = 'torn'")
        raw.execute(
            "UPDATE evidence SET entry = (SELECT entry FROM evidence WHERE key = 'good') "
            "WHERE key = 'swapped'"
        )
        raw.execute("UPDATE evidence SET entry = 'text' WHERE key = 'text'")
        # A longer life than the seal says: the sealed moment counts.
        raw.execute(
            "UPDATE evidence SET entry = ?, until = ? WHERE key = 'late'",
            (seal("late", b"x", time.time() - 60), FAR),
        )
    raw.close()
    for key in ("torn", "swapped", "text", "late"):
        assert cache.get(key) is None
    assert cache.get("good") == b"good" * 100
    cache.close()
    raw = _rows(path)
    assert {row[0] for row in raw.execute("SELECT key FROM evidence")} <= {"good", "late"}
    raw.close()


def test_sqlite_a_file_that_is_no_database_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    path.write_bytes(b"this is not a database, whatever its name says. " * 100)
    cache = on_disk(path)
    assert cache.get("a") is None
    cache.put("a", b"value", FAR)
    assert cache.get("a") == b"value"
    # Whatever it was, it is still there: the path may have been a slip of the pen.
    assert (tmp_path / "c.db.damaged").read_bytes().startswith(b"this is not a database")


def test_sqlite_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with _rows(path) as raw:
        raw.execute("CREATE TABLE ledger (amount INTEGER)")
        raw.execute("INSERT INTO ledger VALUES (1500)")
    raw.close()
    before = path.read_bytes()
    cache = on_disk(path)
    cache.put("a", b"value", FAR)
    assert cache.get("a") is None
    cache.drop("a")
    cache.close()
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.db"]


def test_sqlite_a_cache_of_another_make_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with _rows(path) as raw:
        raw.execute("CREATE TABLE evidence (key TEXT, entry BLOB)")
        raw.execute("INSERT INTO evidence VALUES ('a', x'00')")
    raw.close()
    cache = on_disk(path)
    assert cache.get("a") is None
    cache.put("a", b"value", FAR)
    assert cache.get("a") == b"value"
    cache.close()


TORN = """
import os, signal, sys, time
from esign_kit.net.sqlite_cache import SqliteCache
cache = SqliteCache(sys.argv[1], memory=0)
for number in range(60):
    cache.put(f"key-{number}", f"key-{number};".encode() * 200, time.time() + 3600)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_sqlite_a_torn_log_is_never_believed(tmp_path: Path) -> None:
    """A killed writer leaves a write-ahead log; what is cut or bent in it is not there."""
    (tmp_path / "made").mkdir()
    made = tmp_path / "made" / "c.db"
    subprocess.run([sys.executable, "-c", TORN, str(made)], timeout=60, check=False)
    log = (tmp_path / "made" / "c.db-wal").read_bytes()
    assert len(log) > 100_000
    random_ = random.Random(3)
    right = 0
    for number in range(12):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "c.db").write_bytes(made.read_bytes())
        bent = bytearray(log)
        if number % 3 == 0:
            bent = bent[: random_.randrange(len(bent))]
        else:
            start = random_.randrange(len(bent) - 500)
            bent[start : start + 500] = random_.randbytes(500)
        (place / "c.db-wal").write_bytes(bent)
        if number % 3 == 2:
            (place / "c.db-shm").write_bytes(random_.randbytes(32768))
        cache = on_disk(place / "c.db")
        for key in (f"key-{n}" for n in range(60)):
            found = cache.get(key)
            assert found in (None, f"{key};".encode() * 200)
            right += found is not None
        cache.put("after", b"works", FAR)
        assert cache.get("after") == b"works"
        cache.close()
    assert right > 60, "what stands before the damage is kept"


def test_sqlite_damaged_pages_lose_at_most_what_stood_on_them(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    cache = on_disk(path)
    keys = [f"key-{number:04d}" for number in range(400)]
    for key in keys:
        cache.put(key, key.encode() * 50, FAR)
    cache.close()
    whole = path.read_bytes()
    random_ = random.Random(7)
    for _ in range(30):
        data = bytearray(whole)
        start = random_.randrange(0, len(data) - 2000)
        data[start : start + 2000] = random_.randbytes(2000)
        path.write_bytes(data)
        for suffix in ("-wal", "-shm"):
            (tmp_path / f"c.db{suffix}").unlink(missing_ok=True)
        damaged = on_disk(path)
        for key in keys:
            assert damaged.get(key) in (None, key.encode() * 50)
        damaged.put("after", b"works", FAR)
        damaged.put("after", b"works", FAR)
        assert damaged.get("after") == b"works"
        damaged.close()


def test_sqlite_a_cut_file_is_no_disaster(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    cache = on_disk(path)
    for number in range(50):
        cache.put(str(number), bytes(3000), FAR)
    cache.close()
    size = path.stat().st_size
    for keep in (0, 1, 50, 100, 4096, 5000, size // 2, size - 1):
        with open(path, "r+b") as stream:
            stream.truncate(min(keep, path.stat().st_size))
        again = on_disk(path)
        assert again.get("1") in (None, bytes(3000))
        again.put("1", bytes(3000), FAR)
        again.put("1", bytes(3000), FAR)
        assert again.get("1") == bytes(3000)
        again.close()


def test_sqlite_in_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    cache = on_disk(blocked / "cache.db")
    cache.put("a", b"value", FAR)
    assert cache.get("a") is None
    cache.drop("a")
    folder = on_disk(tmp_path)
    folder.put("a", b"value", FAR)
    assert folder.get("a") is None


FULL_DISK = """
import resource, sys, time
from esign_kit.net.sqlite_cache import SqliteCache
cache = SqliteCache(sys.argv[1], memory=0)
far = time.time() + 3600
cache.put("before", b"good" * 100, far)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
for number in range(200):
    cache.put(f"fill-{number}", bytes(5000), far)
assert cache.get("before") == b"good" * 100, "a good entry was lost"
found = [cache.get(f"fill-{n}") for n in range(200)]
assert all(item in (None, bytes(5000)) for item in found)
print(sum(item is not None for item in found))
"""


def test_sqlite_a_full_disk_loses_nothing_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert 0 < int(done.stdout) < 200
    # When there is room again, everything works.
    cache = on_disk(path)
    assert cache.get("before") == b"good" * 100
    cache.put("after", b"new", FAR)
    assert cache.get("after") == b"new"


WRITER = """
import sys, time
from esign_kit.net.sqlite_cache import SqliteCache
cache = SqliteCache(sys.argv[1], memory=0)
name, count, far = sys.argv[2], int(sys.argv[3]), time.time() + 3600
number = 0
while count < 0 or number < count:
    cache.put(f"{name}-{number}", f"{name}-{number};".encode() * 100, far)
    number += 1
    if count < 0:
        print(number, flush=True)
"""


def _writer(path: Path, name: str, count: int, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(count)], **options)


def test_sqlite_two_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    running = [_writer(path, name, 200) for name in ("left", "right")]
    for process in running:
        assert process.wait(60) == 0
    cache = on_disk(path)
    for name in ("left", "right"):
        for number in range(200):
            assert cache.get(f"{name}-{number}") == f"{name}-{number};".encode() * 100


def test_sqlite_a_process_killed_while_writing(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    for round_ in range(5):
        process = _writer(path, f"victim{round_}", -1, stdout=subprocess.PIPE)
        assert process.stdout is not None
        written = 0
        while written < 20 + 7 * round_:
            written = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        process.stdout.close()
        cache = on_disk(path)
        for number in range(written):
            key = f"victim{round_}-{number}"
            assert cache.get(key) == f"{key};".encode() * 100
        cache.close()


def test_sqlite_across_fork_and_pickle(tmp_path: Path) -> None:
    cache = on_disk(tmp_path / "c.db")
    cache.put("parent", b"1", FAR)
    child = os.fork()
    if child == 0:
        ok = cache.get("parent") == b"1"
        cache.put("child", b"2", FAR)
        os._exit(0 if ok else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert cache.get("child") == b"2"
    copy = pickle.loads(pickle.dumps(cache))
    assert copy.get("child") == b"2"
    copy.close()


def test_sqlite_another_process_replaced_the_file(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    cache = on_disk(path)
    cache.put("a", b"1", FAR)
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"c.db{suffix}").unlink(missing_ok=True)
    other = on_disk(path)
    other.put("b", b"2", FAR)
    assert cache.get("b") == b"2"
    cache.put("c", b"3", FAR)
    assert other.get("c") == b"3"


def test_sqlite_has_an_end(tmp_path: Path) -> None:
    cache = on_disk(tmp_path / "c.db", max_bytes=100_000)
    for number in range(600):
        cache.put(str(number), bytes(1000), FAR + number)
    kept = sum(cache.get(str(number)) is not None for number in range(600))
    assert 88 <= kept < 500
    assert cache.get("599") == bytes(1000)


def test_redis_poison_is_dropped_and_a_dead_server_is_an_empty_cache(redis_url: str) -> None:
    import redis

    cache = RedisCache(redis_url, prefix="poison:", memory=0)
    cache.put("a", b"good", FAR)
    cache.put("b", b"other", FAR)
    raw = redis.Redis.from_url(redis_url)
    entry = raw.get("poison:b")
    raw.set("poison:a", entry)
    raw.set("poison:c", b"rubbish")
    raw.lpush("poison:list", b"x")
    assert cache.get("a") is None
    assert cache.get("c") is None
    assert cache.get("list") is None
    assert cache.get("b") == b"other"
    assert raw.get("poison:a") is None
    assert 0 < raw.ttl("poison:b") <= 3600
    raw.close()
    cache.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    dead = RedisCache(f"redis://127.0.0.1:{port}/0", seconds=0.5)
    dead.put("a", b"x", FAR)
    dead.drop("a")
    assert dead.get("a") is None
    dead.close()
    with pytest.raises(EvidenceError) as caught:
        RedisCache("nonsense://x")
    assert caught.value.code == "cache.url"


@pytest.mark.parametrize(
    "reply",
    [
        b"hello\r\n", b"$abc\r\n", b"$-7\r\n", b":1\r\n", b":zz\r\n", b",abc\r\n", b"*1\r\n" * 5000,
        b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", b"+OK\r\n", b"-ERR no\r\n", b"-\xff\r\n", b"",
        b"HTTP/1.1 200 OK\r\n\r\n", b"*99999999999\r\n",
    ],
)  # fmt: skip
def test_a_server_that_is_no_redis_is_an_empty_cache(serve: Any, reply: bytes) -> None:
    pytest.importorskip("redis")
    server = serve(None)

    def answer(connection: socket.socket) -> None:
        with connection:
            while connection.recv(65536):
                connection.sendall(reply)

    server._one = answer
    cache = RedisCache(f"redis://127.0.0.1:{server.port}/0", seconds=0.2, memory=0)
    begin = time.monotonic()
    cache.put("a", b"value", FAR)
    assert cache.get("a") is None
    cache.drop("a")
    assert cache.get("a") is None
    # A server that failed is left alone for a while.
    assert time.monotonic() - begin < 1
    cache.close()


def test_an_entry_in_redis_does_not_choose_our_memory(redis_url: str) -> None:
    big = RedisCache(redis_url, prefix="big:", memory=0)
    small = RedisCache(redis_url, prefix="big:", memory=0, max_value=1000)
    big.put("a", bytes(5000), FAR)
    assert small.get("a") is None
    assert big.get("a") is None, "it was dropped"
    small.put("b", bytes(1000), FAR)
    assert small.get("b") == bytes(1000)
    big.close()
    small.close()


def test_redis_dies_and_comes_back(tmp_path: Path) -> None:
    import shutil

    program = next((p for p in map(shutil.which, SERVERS) if p), None)
    if program is None:
        pytest.skip("no redis-server and no valkey-server on this machine")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = _server(program, port, tmp_path)
    cache = RedisCache(f"redis://127.0.0.1:{port}/0", seconds=1, pause=0.1, memory=0)
    try:
        cache.put("a", b"value", FAR)
        assert cache.get("a") == b"value"
        server.kill()
        server.wait(10)
        assert cache.get("a") is None
        cache.put("a", b"lost", FAR)
        cache.drop("a")
        server = _server(program, port, tmp_path)
        time.sleep(0.15)
        assert cache.get("a") is None
        cache.put("a", b"again", FAR)
        assert cache.get("a") == b"again"
    finally:
        server.kill()
        server.wait(10)
        cache.close()


def test_two_machines_share_one_redis(redis_url: str) -> None:
    left, right = RedisCache(redis_url), pickle.loads(pickle.dumps(RedisCache(redis_url)))
    left.put("shared", b"value", FAR)
    assert right.get("shared") == b"value"
    left.close()
    right.close()


def test_what_is_at_hand_is_not_read_again(tmp_path: Path) -> None:
    clock = Clock()
    cache = SqliteCache(tmp_path / "c.db", clock=clock)
    cache.put("crl", bytes(1000), clock.now + 60)
    other = SqliteCache(tmp_path / "c.db", clock=clock)
    assert other.get("crl") == bytes(1000)
    (tmp_path / "c.db").unlink()
    assert cache.get("crl") == other.get("crl") == bytes(1000)
    clock.now += 61
    assert cache.get("crl") is other.get("crl") is None
    cache.put("b", b"x", clock.now + 60)
    cache.close()
    cache.drop("b")
    assert cache.get("b") is None
