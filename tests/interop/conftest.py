"""A country whose certificates are valid today, because the peers ask the clock."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import esign_kit as ek
from esign_kit.testing import FixturePKI

if TYPE_CHECKING:
    from pathlib import Path

IN_CI = os.environ.get("CI", "").lower() == "true"
PAYLOAD = b'{"application": "unemployment benefit", "applicant": "A. Citizen"}\n' * 3
XML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Заявление xmlns="urn:example:labour" Id="doc"><Заявитель>Иванов &amp; сын</Заявитель>'
    "<amount>1200</amount></Заявление>\n"
).encode()


def command(name: str) -> str:
    """Return the path of a peer's command; in CI a missing peer is a failure."""
    path = shutil.which(name)
    if path is None:
        _missing(name)
    return str(path)


def module(name: str) -> Any:
    """Return a peer's module; in CI a missing peer is a failure."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        _missing(f"{name} ({error})")


def _missing(what: str) -> None:
    if IN_CI:
        pytest.fail(f"the peer {what} is not installed", pytrace=False)
    pytest.skip(f"the peer {what} is not installed")


def run(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(item) for item in arguments], input=stdin, capture_output=True, timeout=60, check=False
    )


class Country:
    """One fixture country with its files written where command lines can read them."""

    def __init__(self, kind: str, folder: Path) -> None:
        # A few minutes back: a certificate that begins this second is in some peer's future.
        self.pki = FixturePKI("xx", at=datetime.now(UTC).replace(microsecond=0), key=kind)
        self.kind = kind
        self.folder = folder
        self.person = self.pki.person()
        self.colleague = self.pki.person()
        self.person.export_pem(folder / "person")
        self.colleague.export_pem(folder / "colleague")
        self.root = folder / "root.pem"
        self.root.write_bytes(pem(self.pki.root.certificate.der))
        self.issuing = folder / "issuing.pem"
        self.issuing.write_bytes(pem(self.pki.issuing.certificate.der))
        self.key = folder / "person" / "key.pem"
        self.certificate = folder / "person" / "certificate.pem"

    def verify(self, data: bytes, **more: Any) -> ek.VerificationReport:
        """Verify with this country's root and CRLs."""
        return ek.verify(data, trust=self.pki.trust, evidence=self.pki.evidence(), **more)


def pem(der: bytes) -> bytes:
    from base64 import encodebytes

    return b"-----BEGIN CERTIFICATE-----\n" + encodebytes(der) + b"-----END CERTIFICATE-----\n"


@pytest.fixture(scope="session", params=["rsa", "ec"])
def country(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Country:
    return Country(request.param, tmp_path_factory.mktemp(request.param))


def assert_passed(report: ek.VerificationReport, signatures: int = 1) -> None:
    assert len(report.signatures) == signatures
    bad = [(c.name, c.status, c.detail) for c in report.checks if c.status in ("FAILED",)]
    assert report.indication is ek.Indication.TOTAL_PASSED, (report.sub_indication, bad)
