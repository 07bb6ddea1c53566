"""What is not a table in Uzbekistan: the habits of OneID."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["login_facts"]


def login_facts(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Read OneID's answer: booleans that come as text, lists that come as text or one value."""
    method = claims.get("auth_method")
    if isinstance(method, list):
        method = method[0] if len(method) == 1 else None
    facts: dict[str, Any] = {"login": "oneid", "method": method}
    valid = claims.get("valid")
    if isinstance(valid, str):
        valid = {"true": True, "false": False}.get(valid.strip().lower())
    if isinstance(valid, bool):
        facts["valid"] = valid
    if claims.get("ret_cd") != "0":
        # Only "0" is success; whatever else stands in the answer counts for nothing.
        return {"login": "oneid-refused"}
    return facts
