"""``make bench``: what signing and verifying cost, as multiples of the floor, beside others.

The floor of a case is what no design avoids: one hash of the payload and the public-key operations
that the case needs, for XML one parse and one canonicalisation more. It is computed in the same
process, in the same rounds, so the multiples travel from machine to machine; the absolute times do
not.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import warnings
from pathlib import Path

from bench import measure, national, peers, pkcs11, process, rows
from bench.scene import SIZES, Scene


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1 KB only, short rounds")
    parser.add_argument("--seconds", type=float, default=1.5, help="time per row")
    parser.add_argument("--only", default="", help="only parts with this word: cades, xades, …")
    parser.add_argument("--markdown", type=Path, metavar="PAGE", help="renew the tables there")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    seconds = 0.4 if options.quick else options.seconds
    sizes = ["1 KB"] if options.quick else list(SIZES)
    out = sys.stdout.write
    versions = ", ".join(f"{name} {version}" for name, version in peers.installed().items())
    about = f"Python {platform.python_version()} on {platform.machine()}; {versions}"
    out(about + "\n\n")
    if options.markdown:
        _renew(options.markdown, "about", about)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scenes = [Scene(kind, folder / kind) for kind in ("rsa", "ec")]
        for title, part in (
            ("cades", lambda: _formats(rows.cades, scenes, sizes, folder, seconds)),
            ("xades", lambda: _formats(rows.xades, scenes, sizes, folder, seconds)),
            ("many", lambda: _many(scenes, seconds, options.quick)),
            ("process", lambda: process.start_up(scenes[1], folder)),
            ("national", lambda: national.lines(seconds)),
            ("token", lambda: pkcs11.lines(seconds)),
            ("crl", lambda: process.large_crl(scenes[1])),
            ("gigabyte", lambda: process.gigabyte(scenes[0], folder)),
        ):
            if options.only and options.only not in title:
                continue
            if options.quick and title == "gigabyte":
                continue
            made = "\n".join(part())
            out(made + "\n\n")
            if options.markdown:
                _renew(options.markdown, title, made)
            sys.stdout.flush()
    return 0


def _renew(page: Path, name: str, made: str) -> None:
    """Put a part between its marks on a page."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if found and closed:
        page.write_text(f"{before}{begin}\n\n{made}\n\n{end}{after}", encoding="utf-8")


def _formats(make, scenes, sizes, folder, seconds):  # type: ignore[no-untyped-def]
    found = [
        row for size in sizes for scene in scenes for row in make(scene, size, folder, seconds)
    ]
    lines = [measure.table(found)]
    notes = {f"{name}: {note}" for row in found for name, note in row.notes.items()}
    return [*lines, "", *sorted(notes)]


def _many(scenes, seconds, quick):  # type: ignore[no-untyped-def]
    found = [rows.path(scene, seconds) for scene in scenes]
    found += [rows.hundred_signers(scene, seconds) for scene in scenes]
    lines = []
    if not quick:
        # A thousand RSA keys would take minutes to make.
        for scene, number in zip(scenes, (100, 1000), strict=True):
            row, growth = rows.thousand_signers(scene, number)
            found.append(row)
            lines.append(f"{row.title}: last tenth against first tenth {growth:.2f}×")
    return [measure.table(found), "", *lines]


if __name__ == "__main__":
    sys.exit(main())
