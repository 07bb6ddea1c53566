"""OneID of Uzbekistan: an OAuth2 dialect of its own, without token, nonce or PKCE.

Nothing of its answer is signed (federation BEARER_UNSIGNED): an act still needs a signature.
"""

from __future__ import annotations

from esign_kit.login.oneid.answer import OneIdAnswer, read_answer
from esign_kit.login.oneid.client import ENDPOINT, OneIdClient, OneIdLogin

__all__ = ["ENDPOINT", "OneIdAnswer", "OneIdClient", "OneIdLogin", "read_answer"]
