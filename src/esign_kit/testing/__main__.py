"""``python -m esign_kit.testing SPEC OUT``: write fixture files from one declarative file.

The same file gives the same octets on every machine and at any time, so that the files can be
committed and compared. ``--check`` compares and writes nothing.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esign_kit.testing.export import pem, pkcs12
from esign_kit.testing.near_misses import NEAR_MISSES
from esign_kit.testing.pki import FixturePKI

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["build", "main"]

_USAGE = "usage: python -m esign_kit.testing [--check] [SPEC.toml|FOLDER [OUT]]\n"
_DEFAULT = Path("tests/fixtures/certs.toml")


def build(spec: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files of a specification by their relative paths."""
    files: dict[str, bytes] = {}
    for entry in spec["country"]:
        for name, data in _country(entry, spec.get("password", "")):
            files[f"{entry['folder']}/{name}"] = data
    return dict(sorted(files.items()))


def _country(entry: Mapping[str, Any], password: str) -> Iterator[tuple[str, bytes]]:
    pki = FixturePKI(entry["name"], at=entry["at"], key=entry.get("key"))
    for slug, authority in pki.authorities.items():
        place = "trust" if authority.issuer is None else "trust/intermediates"
        yield f"{place}/{slug}.pem", pem(authority.certificate.der)
    first = None
    for item in entry.get("holder", ()):
        details = dict(item)
        file, kind = details.pop("file"), details.pop("kind")
        revoked = details.pop("revoked", None)
        held = details.pop("held", None)
        scheme = details.pop("scheme", "aes")
        holder = pki.issue(kind, **details)
        first = first or holder
        if revoked is not None:
            pki.revoke(holder, at=revoked)
        if held is not None:
            pki.hold(holder, at=held)
        yield f"{file}.pem", pem(holder.certificate.der)
        yield f"{file}.p12", pkcs12(holder, password, scheme=scheme)
        yield f"{file}.ocsp", pki.ocsp(holder)
    if entry.get("near_misses"):
        for kind in NEAR_MISSES:
            holder = pki.near_miss(kind)
            yield f"near-misses/{kind}.pem", pem(holder.certificate.der)
            yield f"near-misses/{kind}.key.pem", pem(holder.private_key.pkcs8, "PRIVATE KEY")
    for slug, authority in pki.authorities.items():
        yield f"crl/{slug}.crl", authority.crl()
    if entry.get("timestamp"):
        yield "timestamp.tst", pki.tsa.timestamp(entry["timestamp"].encode("utf-8"))


def differences(files: Mapping[str, bytes], out: Path) -> list[str]:
    """Return how the files under ``out`` differ from what they should be."""
    found = []
    for name, data in files.items():
        path = out / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif path.read_bytes() != data:
            found.append(f"{name} differs")
    present = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    found += [f"{name} should not be there" for name in sorted(present - set(files))]
    return found


def main(arguments: list[str]) -> int:
    """Write or compare; returns the exit code."""
    check = "--check" in arguments
    rest = [argument for argument in arguments if argument != "--check"]
    if len(rest) > 2 or any(argument.startswith("-") for argument in rest):
        sys.stderr.write(_USAGE)
        return 2
    # A folder alone stands for the specification beside it: certs and certs.toml.
    spec = Path(rest[0]).with_suffix(".toml") if rest else _DEFAULT
    out = Path(rest[1]) if len(rest) > 1 else spec.with_suffix("")
    try:
        with spec.open("rb") as stream:
            files = build(tomllib.load(stream))
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        sys.stderr.write(f"{spec}: {error}\n")
        return 2
    if check:
        found = differences(files, out)
        sys.stderr.writelines(f"{line}\n" for line in found)
        return 1 if found else 0
    for name, data in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for path in sorted(out.rglob("*")):
        if path.is_file() and path.relative_to(out).as_posix() not in files:
            path.unlink()
    sys.stderr.write(f"{len(files)} files in {out}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
