"""Login with a key: a fresh text that names portal, purpose and time is signed and given back."""

from __future__ import annotations

from esign_kit.login.challenge.login import Challenge, ChallengeLogin
from esign_kit.login.challenge.text import challenge_text, challenge_xml

__all__ = ["Challenge", "ChallengeLogin", "challenge_text", "challenge_xml"]
