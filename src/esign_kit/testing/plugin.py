"""The pytest plugin that every project gets that has esign_kit installed.

It is loaded in every test run there, so it imports pytest and nothing else; a fixture that nobody
asks for costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esign_kit.testing.clock import Clock
    from esign_kit.testing.entity import Entity
    from esign_kit.testing.http import LoopbackServer
    from esign_kit.testing.pki import FixturePKI

__all__ = ["esign_clock", "esign_http", "esign_organisation", "esign_person", "esign_pki"]


@pytest.fixture(scope="session")
def esign_pki() -> FixturePKI:
    """A country with elliptic keys, the same octets in every run.

    It lasts for the whole session: a test that revokes or travels makes its own ``FixturePKI``,
    which costs about a millisecond, or takes ``esign_clock``, which travels back.
    """
    from esign_kit.testing.pki import FixturePKI

    return FixturePKI()


@pytest.fixture
def esign_person(esign_pki: FixturePKI) -> Entity:
    """A citizen with a signing key."""
    return esign_pki.person("19900115-1001")


@pytest.fixture
def esign_organisation(esign_pki: FixturePKI) -> Entity:
    """An organisation with a seal."""
    return esign_pki.organisation("20000001")


@pytest.fixture
def esign_clock(esign_pki: FixturePKI) -> Iterator[Clock]:
    """The clock of ``esign_pki``: travel as you like, it is set back after the test."""
    from esign_kit.testing.clock import Clock

    before = esign_pki.now
    yield Clock(esign_pki)
    esign_pki.travel_to(before)


@pytest.fixture
def esign_http() -> Iterator[LoopbackServer]:
    """A loopback server with a country of its own: OCSP, CRL, issuers and time-stamps over HTTP.

    ``esign_http.pki`` is the country, ``esign_http.url`` the address that its certificates name.
    """
    from esign_kit.testing.http import LoopbackServer

    with LoopbackServer() as server:
        yield server
