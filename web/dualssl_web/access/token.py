"""Secrets that nobody can guess."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlencode

PARAMETER = "token"

_EVERYWHERE = ("0.0.0.0", "::")


def new_secret() -> str:
    """256 random bits as text that may stand in an address."""
    return secrets.token_urlsafe(32)


def is_same(given: str, expected: str) -> bool:
    """Whether two secrets are one; how long the answer takes tells nothing of either, nor of their lengths."""
    return hmac.compare_digest(*(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (given, expected)))


def address(host: str, port: int, token: str | None) -> str:
    """The address that a person opens.

    Args:
        host: that the server listens on; a version 6 address gets its brackets.
        port: that the server listens on.
        token: None where a password is asked for.
    """
    name = "localhost" if host in _EVERYWHERE else f"[{host}]" if ":" in host else host
    query = "" if token is None else f"?{urlencode({PARAMETER: token})}"
    return f"http://{name}:{port}/{query}"
