"""What holds for every test: no way out to the network, and one profile of hypothesis."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

try:
    from hypothesis import HealthCheck, settings
except ImportError:  # the interop and conformance parts run without it
    pass
else:
    _slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    settings.register_profile("dev", deadline=None, max_examples=50, suppress_health_check=_slow)
    settings.register_profile(
        "ci", deadline=None, max_examples=50, derandomize=True, suppress_health_check=_slow
    )
    settings.register_profile("deep", deadline=None, max_examples=2000, suppress_health_check=_slow)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

_connect = socket.socket.connect


def _local_only(self: socket.socket, address: Any) -> None:
    """Connect to this machine only; a test that reaches further is wrong by definition."""
    host = address[0] if isinstance(address, tuple) else ""
    if self.family in (socket.AF_INET, socket.AF_INET6) and not (
        host.startswith("127.") or host in ("::1", "localhost")
    ):
        raise AssertionError(f"a test tried to reach {host}")
    _connect(self, address)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _local_only)
