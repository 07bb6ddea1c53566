"""Which room may import what. Read from the import statements, not from good intentions.

The drawing is in ``docs/architecture.md``: arrows point down, rooms of one level do not know each
other. Imports that only a type checker sees do not count.
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).resolve().parent.parent / "src" / "esign_kit"

FLOOR = {"errors", "algorithms", "model", "_version"}
READERS = FLOOR | {"asn1", "crypto"}
MIDDLE = READERS | {"trust"}

ROOMS: dict[str, set[str]] = {
    # room -> rooms of the package that it may import; itself is understood.
    "_version": set(),
    "errors": set(),
    "algorithms": {"errors"},
    "model": {"errors", "algorithms"},
    "asn1": FLOOR,
    "crypto": FLOOR | {"asn1"},
    "xmldsig": READERS,
    "tsp": READERS,
    "net": MIDDLE,
    "keys": READERS,
    "trust": READERS,
    "cades": MIDDLE,
    "xades": MIDDLE | {"xmldsig"},
    "asic": MIDDLE | {"cades", "xades"},
    "raw": READERS,
    "profiles": MIDDLE,
    "validation": MIDDLE | {"tsp"},
    "trustlist": MIDDLE | {"xmldsig", "xades", "validation"},
    "eid": MIDDLE | {"profiles"},
    # The upper floor: they call the verbs, and nothing below knows them.
    "login": MIDDLE | {"profiles", "eid", "keys", "xmldsig", "api", "reading", "arguments"},
    "agents": MIDDLE | {"profiles", "eid", "xmldsig", "login", "api", "reading", "arguments"},
}
EDGES = {
    "__init__", "aio", "api", "arguments", "bundle", "cli", "jobs", "reading", "testing", "web",
}  # fmt: skip
"""They wire rooms together and may import any; nothing below imports them."""

THIRD_PARTY: dict[str, set[str]] = {
    "xmldsig": {"lxml"},
    "crypto": {"cryptography"},
    "keys": {"cryptography"},
    "model": {"cryptography"},
    "cli": {"click"},
    "login": {"joserfc"},
    "web": {"django"},
    "testing": {"cryptography", "pytest", "click"},
}

EXCEPTIONS: dict[tuple[str, str], str] = {
    # (file, imported thing): why. Each is one line that somebody thought about.
    ("model/plain.py", "asn1"): "a report shows certificates; a view of their octets, on access",
    ("asic/nca.py", "xmldsig"): "the Kazakh manifest is XML, and there is one parser",
    ("xmldsig/transforms.py", "trust"): "which transforms may run is a word of the policy",
    ("algorithms.py", "crypto"): "a national digest is loaded when its row is first used",
    ("trust/store.py", "cryptography"): "the public API takes certificates of that library",
    ("keys/pkcs11/module.py", "pkcs11"): "the one file that speaks to tokens",
    (
        "trust/files.py",
        "keys",
    ): "a trust store in PKCS#12 is opened by the one reader of it",
    ("keys/csc/transport.py", "net"): "remote keys are reached through the guard",
    ("testing/softhsm.py", "pkcs11"): "makes a token of software for tests",
    ("keys/jks.py", "jks"): "the one file that reads Java keystores",
    ("trust/files.py", "jks"): "trust stores may be Java keystores",
    ("net/redis_cache.py", "redis"): "the one file that speaks to Redis or Valkey",
}


def _files() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py"))


def _room(path: Path) -> str:
    relative = path.relative_to(SOURCE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield (dotted module, line) of every import that is executed."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and _is_type_checking(node.test)
        for part in node.body
        for child in ast.walk(part)
    }
    package = ["esign_kit", *path.relative_to(SOURCE).parts[:-1]]
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package[: len(package) - node.level + 1], base]).rstrip(".")
            if base in ("esign_kit", ""):
                for alias in node.names:
                    yield f"esign_kit.{alias.name}", node.lineno
            else:
                yield base, node.lineno


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _complaints() -> list[str]:
    found = []
    for path in _files():
        room = _room(path)
        name = path.relative_to(SOURCE).as_posix()
        for module, line in _imports(path):
            top, _, rest = module.partition(".")
            if top == "esign_kit":
                target = rest.partition(".")[0]
                allowed = room in EDGES or target == room or target in ROOMS.get(room, set())
                if room not in EDGES and target in EDGES - {"__init__"} - ROOMS.get(room, set()):
                    allowed = False
                if target == "testing" and room not in ("testing", "cli"):
                    allowed = False
            elif top in sys.stdlib_module_names:
                continue
            else:
                target = top
                allowed = top in THIRD_PARTY.get(room, set())
            if not allowed and (name, target) not in EXCEPTIONS:
                found.append(f"{name}:{line} imports {module}")
    return found


def test_rooms_import_only_what_they_may() -> None:
    complaints = _complaints()
    assert not complaints, "\n" + "\n".join(complaints)


def test_every_room_is_in_the_table() -> None:
    rooms = {_room(path) for path in _files()}
    assert rooms == ROOMS.keys() | EDGES


@cache
def _foreign() -> dict[str, set[str]]:
    """Return what each room imports from other projects."""
    found: dict[str, set[str]] = {}
    for path in _files():
        packages = {module.partition(".")[0] for module, _ in _imports(path)}
        found.setdefault(_room(path), set()).update(
            packages - sys.stdlib_module_names - {"esign_kit"}
        )
    return found


def test_the_page_on_architecture_names_every_room_and_what_it_imports() -> None:
    page = (SOURCE.parent.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    told: dict[str, set[str]] = {}
    modules = {}
    room = ""
    for line in page.splitlines():
        first, *rest = [cell.strip() for cell in line.strip("|").split("|")]
        if len(rest) == 5 and "`" in first:
            packages = set(re.findall(r"[a-z]+\w+", rest[0])) - {"for", "its", "types"}
            told |= dict.fromkeys(re.findall(r"`(\w+)`", first), packages)
        elif len(rest) == 2 and "`" in rest[0]:
            room = first.strip("`") or room
            modules |= dict.fromkeys((room, name) for name in re.findall(r"`(\w+)`", rest[0]))
    private = {"__init__", "_version"}
    assert told == {room: named for room, named in _foreign().items() if room not in private}
    assert len(modules) > 40
    assert [at for at in modules if not SOURCE.joinpath(at[0], at[1] + ".py").is_file()] == []


def test_no_exception_is_stale() -> None:
    files = {path.relative_to(SOURCE).as_posix() for path in _files()}
    used = set()
    for path in _files():
        name = path.relative_to(SOURCE).as_posix()
        for module, _ in _imports(path):
            top, _, rest = module.partition(".")
            used.add((name, rest.partition(".")[0] if top == "esign_kit" else top))
    stale = {key for key in EXCEPTIONS if key[0] in files and key not in used}
    assert not stale
    assert THIRD_PARTY.keys() <= ROOMS.keys() | EDGES
    unused = {room: packages - _foreign()[room] for room, packages in THIRD_PARTY.items()}
    assert not any(unused.values()), unused


@pytest.mark.parametrize(
    "room",
    ["model", "asn1", "trust", "validation", "eid", "cades", "xades", "login", "agents"],
)
def test_no_clock_and_no_network(room: str) -> None:
    """Time is an argument; only the verbs look at a clock, and only ``net`` opens a socket."""
    forbidden = {"socket", "http", "urllib.request", "ssl", "asyncio", "time"}
    found = []
    for path in sorted((SOURCE / room).rglob("*.py")):
        for module, line in _imports(path):
            if module in forbidden or module.partition(".")[0] in forbidden - {"urllib.request"}:
                found.append(f"{path.name}:{line} imports {module}")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("now", "today", "utcnow")
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in ("datetime", "date")
            ):
                found.append(f"{path.name}:{node.lineno} asks the clock")
    assert not found


def test_modules_stay_small() -> None:
    sizes = {
        path.relative_to(SOURCE).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in _files()
    }
    # The verbs belong together; each is mostly its docstring.
    allowed = {"api.py": 600}
    large = {name: size for name, size in sizes.items() if size > allowed.get(name, 500)}
    assert not large


def test_nothing_prints() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in _files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not found
