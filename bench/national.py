"""National algorithms beside libgcrypt: its own verification is the floor."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from bench import measure
from bench.measure import Contestant, row
from esign_kit.crypto import verify
from esign_kit.crypto.national import libgcrypt, private_key, provider, python_digest
from esign_kit.crypto.national.signature import digest_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esign_kit.crypto.national.signature import GostPublic

_KEYS = ("GOST3410-512", "GOST34310-256", "OZDST1092-256")
_SIZE = 10 * 1024 * 1024


def lines(seconds: float) -> Iterator[str]:
    """Return a table of verifications, then the digests in seconds."""
    library = libgcrypt.load()
    yield f"National digests are computed by {provider()}."
    if library is None:
        yield "libgcrypt does not load here: nothing to compare with."
        return
    found = []
    for kind in _KEYS:
        private = private_key(kind, int.from_bytes(os.urandom(64), "big"))
        algorithm, public = private.algorithms[0], private.public_key
        native: GostPublic = public.native
        data = os.urandom(1000)
        value = private.sign(data, algorithm)
        digest = library.new(native.scheme.digest)
        digest.update(data)
        number = digest_number(digest.digest(), native.curve)
        pair = native.scheme.decode(value)
        if pair is None or not verify(public, algorithm, value, data):
            raise RuntimeError(f"{kind} does not verify")

        def floor(native: GostPublic = native, number: int = number, pair=pair) -> None:  # type: ignore[no-untyped-def]
            if not library.verify(
                native.curve.gcrypt, native.curve.size, native.point, number, pair
            ):
                raise RuntimeError("libgcrypt says no")

        def ours(public=public, algorithm=algorithm, value=value, data=data) -> None:  # type: ignore[no-untyped-def]
            if not verify(public, algorithm, value, data):
                raise RuntimeError("does not verify")

        def unknown(native: GostPublic = native) -> None:
            native._uses, native._rows = 0, None

        # The key that has a table must be another object than the one whose table is taken away.
        busy = private_key(kind, 3)
        signed = busy.sign(data, algorithm)
        for _ in range(30):
            verify(busy.public_key, algorithm, signed, data)

        def often(public=busy.public_key, algorithm=algorithm, value=signed, data=data) -> None:  # type: ignore[no-untyped-def]
            if not verify(public, algorithm, value, data):
                raise RuntimeError("does not verify")

        found.append(
            row(
                f"{algorithm.name} verify, 1 KB, floor: libgcrypt without the digest",
                floor,
                [
                    Contestant("first time", ours, before=unknown, note="a key not seen before"),
                    Contestant("in frequent use", often, note="a key with a table of multiples"),
                ],
                seconds=seconds,
                goal=1.3,
            )
        )
    yield measure.table(found)
    yield ""
    data = os.urandom(_SIZE)
    for name in ("STREEBOG-512", "GOST34311-TEST", "GOST34311-CP"):
        native_digest, python = library.new(name), python_digest(name)
        started = time.perf_counter()
        native_digest.update(data)
        native_digest.digest()
        middle = time.perf_counter()
        python.update(data[: 256 * 1024])
        python.digest()
        rate = 0.25 / (time.perf_counter() - middle)
        yield f"{name}: 10 MB in {middle - started:.2f} s with libgcrypt; {rate:.2f} MB/s in Python"
