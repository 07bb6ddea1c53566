"""A real PKCS#11 token without hardware: SoftHSM 2, in a folder of its own.

``softhsm2-util`` and the module have to be installed (Debian: ``apt-get install softhsm2``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from esign_kit.errors import KeyStoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esign_kit.testing.entity import Entity

__all__ = ["SoftHsm", "SoftToken", "find_softhsm"]

_PLACES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)


def find_softhsm() -> str | None:
    """Return the path of SoftHSM's module, or ``None`` if it is not installed."""
    if shutil.which("softhsm2-util") is None:
        return None
    return next((path for path in _PLACES if os.path.isfile(path)), None)


class SoftHsm:
    """A folder of soft tokens; a context manager.

    The module finds the folder by the environment variable ``SOFTHSM2_CONF``, which is set for
    this process and its children while the context lasts.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        """Make the folder and its configuration.

        Raises:
            KeyStoreError: ``keys.module``: SoftHSM is not installed.
        """
        module = find_softhsm()
        if module is None:
            raise KeyStoreError(
                "SoftHSM 2 is not installed", code="keys.module", hint="apt-get install softhsm2"
            )
        self.module = module
        self._made = folder is None
        self.folder = Path(folder if folder is not None else tempfile.mkdtemp(prefix="softhsm-"))
        self.tokens = self.folder / "tokens"
        self.tokens.mkdir(parents=True, exist_ok=True)
        self.configuration = self.folder / "softhsm2.conf"
        self.configuration.write_text(
            f"directories.tokendir = {self.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        self._before: str | None = None

    def start(self) -> None:
        """Point this process to the folder."""
        self._before = os.environ.get("SOFTHSM2_CONF")
        os.environ["SOFTHSM2_CONF"] = str(self.configuration)
        self._again()

    def stop(self) -> None:
        """Point this process to where it looked before, and remove what was made."""
        if self._before is None:
            os.environ.pop("SOFTHSM2_CONF", None)
        else:
            os.environ["SOFTHSM2_CONF"] = self._before
        if self._made:
            shutil.rmtree(self.folder, ignore_errors=True)

    def token(self, label: str, pin: str = "123456") -> SoftToken:
        """Make a token."""
        before = set(self.tokens.iterdir())
        self._util("--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "87654321")
        (folder,) = set(self.tokens.iterdir()) - before
        self._again()
        return SoftToken(self, label, pin, folder)

    def _util(self, *arguments: str) -> None:
        environment = {**os.environ, "SOFTHSM2_CONF": str(self.configuration)}
        subprocess.run(  # noqa: S603 - a tool of the test bench, arguments of our own
            ["softhsm2-util", *arguments],  # noqa: S607
            check=True,
            capture_output=True,
            env=environment,
            timeout=60,
        )

    def _again(self) -> None:
        """SoftHSM lists its tokens when it starts."""
        from esign_kit.keys.pkcs11.module import Module

        module = Module.load(self.module)
        with module.lock:
            module.restart()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


class SoftToken:
    """One soft token, which can be filled, pulled and put back.

    Attributes:
        label: of the token.
        pin: of its user.
        uri: a PKCS#11 URI that means it.
    """

    def __init__(self, hsm: SoftHsm, label: str, pin: str, folder: Path) -> None:
        self.hsm = hsm
        self.label = label
        self.pin = pin
        self.folder = folder
        self._count = 0

    @property
    def uri(self) -> str:
        """A URI with module and token, without a PIN."""
        from urllib.parse import quote

        return f"pkcs11:token={quote(self.label)}?module-path={self.hsm.module}"

    def put(
        self, entity: Entity, label: str, *, certificate: bool = True, chain: bool = False
    ) -> bytes:
        """Put a holder's key and certificate on the token; returns the CKA_ID."""
        self._count += 1
        identifier = bytes((self._count,))
        handle, name = tempfile.mkstemp(dir=self.hsm.folder, suffix=".p8")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(_pem(entity.private_key.pkcs8))
            self.hsm._util(
                *("--import", name, "--token", self.label, "--label", label),
                *("--id", identifier.hex(), "--pin", self.pin, "--force"),
            )
        finally:
            os.unlink(name)
        held = [entity.certificate_der] if certificate else []
        self._certificates(label, identifier, held, entity.chain_der if chain else ())
        return identifier

    def _certificates(
        self, label: str, identifier: bytes, own: Iterable[bytes], chain: Iterable[bytes]
    ) -> None:
        from esign_kit.asn1.certificate import Certificate
        from pkcs11 import Attribute, CertificateType, ObjectClass

        def template(der: bytes, name: str, number: bytes) -> dict[Any, Any]:
            view = Certificate.load(der)
            return {
                Attribute.CLASS: ObjectClass.CERTIFICATE,
                Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
                Attribute.TOKEN: True,
                Attribute.LABEL: name,
                Attribute.ID: number,
                Attribute.SUBJECT: view.subject,
                Attribute.ISSUER: view.issuer,
                Attribute.VALUE: der,
            }

        with self.writable() as session:
            for der in own:
                session.create_object(template(der, label, identifier))
            for der in chain:
                session.create_object(template(der, "issuer", b"\xff" + identifier))

    def writable(self) -> Any:
        """Return a read-write session of the backend, as a context manager."""
        from esign_kit.keys.pkcs11.module import Module

        module = Module.load(self.hsm.module)
        (found,) = [item for item in module.tokens() if item.label == self.label]
        return found.native.open(rw=True, user_pin=self.pin)

    def pull(self) -> None:
        """Take the token out."""
        self.folder.rename(self.hsm.folder / f"pulled-{self.folder.name}")

    def put_back(self) -> None:
        """Put it back."""
        (self.hsm.folder / f"pulled-{self.folder.name}").rename(self.folder)


def _pem(pkcs8: bytes) -> bytes:
    from base64 import encodebytes

    return b"-----BEGIN PRIVATE KEY-----\n" + encodebytes(pkcs8) + b"-----END PRIVATE KEY-----\n"
