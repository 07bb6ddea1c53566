"""Stand-ins for NCALayer and E-IMZO on a loopback port, with keys of a fixture country.

They sign without asking anybody: their keys are public knowledge, and worth nothing.
"""

from __future__ import annotations

import argparse
import threading
from datetime import UTC, datetime

from esign_kit.testing import FixturePKI
from esign_kit.testing.login import FakeEimzo, FakeNcaLayer, LoopbackAgent


def stand_in(country: str, keys: int = 1) -> FakeNcaLayer | FakeEimzo:
    """Return the program of that country, with keys of fixture people."""
    pki = FixturePKI(country, at=datetime.now(UTC))
    if country == "uz":
        return FakeEimzo(*(pki.person(pki.country.person_number(n + 8)) for n in range(keys)))
    person = "900101300017"
    login_key = pki.person(person, purpose="AUTHENTICATION")
    return FakeNcaLayer(pki.person(person), login_key=login_key)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A stand-in for NCALayer or E-IMZO.")
    parser.add_argument("--country", choices=("kz", "uz"), default="kz")
    with LoopbackAgent(stand_in(parser.parse_args().country)) as served:
        print(served.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
