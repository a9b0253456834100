"""Whether a websocket may speak to trame. wslink asks for a secret, which its pages have by default and by address."""

from __future__ import annotations

from typing import Any

from wslink.websocket import LinkProtocol

from dualssl_web.access.guard import Guard


class TicketProtocol(LinkProtocol):
    """Takes the place of wslink's secret: a websocket may speak if the request that began it had the guard's cookie.

    The guard lets no other request through; this is the second lock. Names are wslink's.

    Args:
        guard: gives out the cookies.
    """

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard
        self._known: set[str] = set()

    def onConnect(self, request: Any, client_id: str) -> None:  # noqa: N802
        """A websocket began."""
        if self._guard.knows(request):
            self._known.add(client_id)

    def onClose(self, client_id: str) -> None:  # noqa: N802
        """It has ended."""
        self._known.discard(client_id)

    async def validateToken(self, _token: Any, client_id: str) -> bool:  # noqa: N802
        """Whether it may speak, whatever secret it says."""
        return client_id in self._known
