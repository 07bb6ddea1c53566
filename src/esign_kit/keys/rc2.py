"""RC2 and RC4, decryption only, for key files of the last century (RFC 2268, RFC 7292 § C).

Written out because native libraries leave them out of hardened builds, and because none of those
at hand knows RC2 with 40 bits. A key file is a few kilobytes, so speed does not matter.
"""

from __future__ import annotations

__all__ = ["rc2_cbc_decrypt", "rc4"]


def _pi_table() -> bytes:
    """The permutation of RFC 2268 § 2, in hexadecimal as printed there."""
    return bytes.fromhex(
        "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2"
        "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
        "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626"
        "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
        "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec"
        "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
        "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9"
        "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
    )


def _expand(key: bytes, effective_bits: int) -> list[int]:
    """RFC 2268 § 2: the 64 words of the expanded key."""
    pi = _pi_table()
    state = bytearray(key) + bytearray(128 - len(key))
    size = len(key)
    for i in range(size, 128):
        state[i] = pi[(state[i - 1] + state[i - size]) & 0xFF]
    octets = (effective_bits + 7) // 8
    mask = 0xFF >> (8 * octets - effective_bits)
    state[128 - octets] = pi[state[128 - octets] & mask]
    for i in range(127 - octets, -1, -1):
        state[i] = pi[state[i + 1] ^ state[i + octets]]
    return [state[2 * i] | state[2 * i + 1] << 8 for i in range(64)]


def _decrypt_block(block: bytes, words: list[int]) -> bytes:
    """RFC 2268 § 4."""
    r = [block[2 * i] | block[2 * i + 1] << 8 for i in range(4)]
    position = 63
    for part, count in enumerate((5, 6, 5)):
        for _ in range(count):
            for i, shift in ((3, 5), (2, 3), (1, 2), (0, 1)):
                value = (r[i] >> shift | r[i] << 16 - shift) & 0xFFFF
                mixed = (r[i - 1] & r[i - 2]) + (~r[i - 1] & r[i - 3])
                r[i] = (value - words[position] - mixed) & 0xFFFF
                position -= 1
        if part < 2:
            for i in (3, 2, 1, 0):
                r[i] = (r[i] - words[r[i - 1] & 63]) & 0xFFFF
    return b"".join(value.to_bytes(2, "little") for value in r)


def rc2_cbc_decrypt(key: bytes, iv: bytes, data: bytes, effective_bits: int | None = None) -> bytes:
    """Return the plain text of RC2 in CBC mode, padding included.

    Args:
        key: 1 to 128 octets.
        iv: 8 octets.
        data: a multiple of 8 octets.
        effective_bits: of the key; its length by default.
    """
    words = _expand(key, effective_bits or 8 * len(key))
    found = bytearray()
    previous = iv
    for offset in range(0, len(data), 8):
        block = data[offset : offset + 8]
        plain = _decrypt_block(block, words)
        found += bytes(a ^ b for a, b in zip(plain, previous, strict=True))
        previous = block
    return bytes(found)


def rc4(key: bytes, data: bytes) -> bytes:
    """Return ``data`` under RC4; the same both ways."""
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) & 0xFF
        state[i], state[j] = state[j], state[i]
    found = bytearray()
    i = j = 0
    for octet in data:
        i = (i + 1) & 0xFF
        j = (j + state[i]) & 0xFF
        state[i], state[j] = state[j], state[i]
        found.append(octet ^ state[(state[i] + state[j]) & 0xFF])
    return bytes(found)
