"""Lets in whoever has the token or the password, and only from the server's own page."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from dualssl_web.access.host_names import HostNames, is_same_origin
from dualssl_web.access.password import FORM, PasswordForm
from dualssl_web.access.token import PARAMETER, is_same, new_secret

SOCKET = "/ws"
PAGES = ("/", "/index.html")

_READING = ("GET", "HEAD")


class Guard:
    """Stands before everything that a server answers.

    A right token or password is answered with a cookie that scripts cannot read and other sites cannot have sent; everything
    else needs that cookie.

    Args:
        names: that browsers may call the server by.
        token: None where a password is asked for.
        password: its form, or None.
    """

    def __init__(self, names: HostNames, token: str | None, password: PasswordForm | None) -> None:
        self._names = names
        self._token = token
        self._password = password
        self._ticket = new_secret()

    def install(self, app: web.Application) -> None:
        """Put it before an application's handlers."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            answer = self._foreign(request) or await self._entrance(request)
            return answer if answer is not None else await handler(request)

        app.middlewares.append(guard)

    def knows(self, request: web.BaseRequest) -> bool:
        """Whether a request has the cookie."""
        return is_same(request.cookies.get(_cookie_name(request), ""), self._ticket)

    def _foreign(self, request: web.Request) -> web.Response | None:
        """Refuses what is not meant for the server, or comes from the page of another one."""
        if not self._names.include(request.host):
            return _refusal("This server does not answer to that name: use its address, or start it with --host-name NAME.")
        origin = request.headers.get("Origin")
        changes = request.method not in _READING or request.path == SOCKET
        if (changes and origin is None) or (origin is not None and not is_same_origin(origin, request.host)):
            return _refusal("This was asked by another page, so it is refused: use the server's own page.")
        # Ports are no part of a site: what else runs on this computer would have the cookie sent along.
        elsewhere = request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
        if elsewhere and request.headers.get("Sec-Fetch-Mode") != "navigate":
            return _refusal("This was asked by another page, so it is refused: use the server's own page.")
        return None

    async def _entrance(self, request: web.Request) -> web.StreamResponse | None:
        """Answers whoever comes in or may not; None for who is in."""
        if self._password is not None and request.path == FORM:
            return await self._answer_form(request, self._password)
        if self._token is not None and request.path == "/" and PARAMETER in request.query:
            return self._answer_token(request, self._token)
        if not self.knows(request):
            if self._password is not None and request.path in PAGES:
                return _moved(FORM)
            return _refusal(
                "This page is private: open the address that the server printed when it was started."
                if self._password is None
                else "This page is private: enter the password on the server's first page."
            )
        if request.path in PAGES and request.query_string:
            # trame's page would take from there which server to talk to.
            return _moved(request.path)
        return None

    def _answer_token(self, request: web.Request, token: str) -> web.Response:
        if not is_same(request.query[PARAMETER], token):
            return _refusal("The token in this address is not this server's: open the address that it printed last.")
        return self._with_ticket(request, "/")

    async def _answer_form(self, request: web.Request, password: PasswordForm) -> web.Response:
        if request.method in _READING:
            return _moved("/") if self.knows(request) else password.page()
        if request.method != "POST":
            return _refusal("There is nothing of that kind here.", 405)
        return await password.refusal(request) or self._with_ticket(request, "/")

    def _with_ticket(self, request: web.Request, path: str) -> web.Response:
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            # A link on another site, or a file, led here. What follows a redirect counts as led by it too and would have no
            # cookie; what follows a page of our own does not.
            answer = web.Response(text="Opening ...", headers={"Refresh": f"0; url={path}"})
        else:
            answer = _moved(path)
        behind_tls = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
        answer.set_cookie(_cookie_name(request), self._ticket, path="/", httponly=True, samesite="Strict", secure=behind_tls)
        return answer


def _cookie_name(request: web.BaseRequest) -> str:
    # Browsers keep one set of cookies for all ports of a host.
    socket: Any = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return f"dualssl_{socket[1]}" if socket else "dualssl"


def _moved(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})


def _refusal(sentence: str, status: int = 403) -> web.Response:
    return web.Response(text=f"{sentence}\n", status=status)
