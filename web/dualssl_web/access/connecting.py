"""Where trame's page learns which websocket to open: it asks a launcher first, and takes ours for one."""

from __future__ import annotations

from aiohttp import web

from dualssl_web.access.guard import SOCKET

ROUTE = "/paraview/"
"""The page's own word; without an answer there it reports an error and goes on with the address that it is told here."""


async def connect(request: web.Request) -> web.Response:
    """Handler of the route: this server's own websocket."""
    # The guard has seen that it is this server's own page, so that the page's scheme is right behind a proxy, too.
    page = request.headers["Origin"]
    return web.json_response({"sessionURL": f"ws{page.removeprefix('http')}{SOCKET}"})


def install(app: web.Application) -> None:
    """Add the route to an application."""
    app.router.add_post(ROUTE, connect)
