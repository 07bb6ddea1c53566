from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.net.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def serve() -> Iterator[Callable[..., Loopback]]:
    """Start servers that end with the test."""
    running: list[Loopback] = []

    def start(handler: object = None) -> Loopback:
        running.append(Loopback(handler))  # type: ignore[arg-type]
        return running[-1]

    yield start
    for server in running:
        server.close()


@pytest.fixture
def tripwire() -> Iterator[Loopback]:
    """A listener that nobody may reach: any connection fails the test."""
    server = Loopback(None)
    yield server
    server.close()
    assert server.requests == [], "something connected that must not"
