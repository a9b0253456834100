"""By which names browsers may call the server.

A page of another site may give its own name the server's address (DNS rebinding): the browser then takes both for one site, and
only the name in the request tells them apart.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

_OWN = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach what listens on an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def name_of(host: str) -> str | None:
    """The name in a request's `Host`, lower-case and without its port; None for what is no name."""
    match = _HOST.fullmatch(host)
    return None if match is None else (match[1] or match[2]).lower()


class HostNames:
    """Those of one server.

    Args:
        listening: address that the server listens on.
        others: further names, of a proxy before it.
    """

    def __init__(self, listening: str, others: tuple[str, ...] = ()) -> None:
        self._names = _OWN | {listening.lower(), *(name.lower() for name in others)}
        self._everywhere = not is_loopback(listening)
        if self._everywhere:
            self._names |= {socket.gethostname().lower()}

    def include(self, host: str) -> bool:
        """Whether a request for that `Host` is meant for the server. Its port says nothing: a tunnel may have another one."""
        name = name_of(host)
        if name is None:
            return False
        return name in self._names or (self._everywhere and _is_address(name))


def is_same_origin(origin: str, host: str) -> bool:
    """Whether a page's `Origin` is the server itself, as the request's `Host` calls it."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def _is_address(name: str) -> bool:
    # An address is looked up nowhere, so nobody can give it another meaning.
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
