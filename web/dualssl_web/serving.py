"""A server from its start to its end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from dualssl.cli.console import say
from dualssl.errors import DualSSLError
from dualssl_web.access.connecting import install as install_connecting
from dualssl_web.access.guard import Guard
from dualssl_web.access.headers import SecurityHeaders
from dualssl_web.access.host_names import HostNames
from dualssl_web.access.password import PasswordForm
from dualssl_web.access.token import address, new_secret
from dualssl_web.access.websockets import TicketProtocol
from dualssl_web.browser import show
from dualssl_web.engine_process import end_all
from dualssl_web.first_page import FirstPage
from dualssl_web.session_folder import session_folder
from dualssl_web.settings import Settings
from dualssl_web.uploads import Receiver, Uploads
from dualssl_web.uploads import install as install_uploads

READY = "DualSSL Segmentation is at"
"""Begins the line that is printed once the server answers."""

_END_SECONDS = 5.0
_SECONDS_A_MINUTE = 60
_PARENT_SECONDS = 1.0
_OF_TRAME = ("TRAME_ARGS", "TRAME_DEFAULT_HOST", "TRAME_HOT_RELOAD", "TRAME_LOG_NETWORK", "WSLINK_FOLLOW_SYMLINKS")

_log = logging.getLogger(__name__)


class ServingError(DualSSLError):
    """The server cannot be started."""


class App(Protocol):
    """What is served."""

    @property
    def uploads(self) -> Receiver:
        """Told what was uploaded."""

    async def open(self) -> None:
        """Called once the server answers: opens the first volume."""

    def close(self) -> None:
        """End all that goes on. A worker may take a moment to end afterwards."""


MakeApp = Callable[[Any, Settings], App]


def serve(settings: Settings, make_app: MakeApp | None = None) -> int:
    """Serve until the process is asked to end (Ctrl+C, SIGTERM).

    Args:
        settings: what the command line says.
        make_app: makes what is served of trame's server and the settings; None makes the application.

    Returns:
        Exit status.

    Raises:
        ServingError: the port cannot be used.
        OutputError: the home folder cannot be written.
    """
    # Its lines hold the addresses that were asked for, and the first of them the token.
    logging.getLogger("aiohttp.access").disabled = True
    with session_folder(settings.home) as folder, _nothing_for_trame():
        return asyncio.run(_Serving(settings, folder).run(make_app or _application))


class _Serving:
    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._token = None if settings.password is not None else settings.token or new_secret()
        self._guard = Guard(
            HostNames(settings.host, settings.host_names),
            self._token,
            None if settings.password is None else PasswordForm(settings.password),
        )
        self._asked_to_end = asyncio.Event()

    async def run(self, make_app: MakeApp) -> int:
        on_signals(self._asked_to_end.set)
        ends: list[asyncio.Future[Any]] = [asyncio.create_task(self._asked_to_end.wait())]
        if self._settings.ends_with_parent:
            ends.append(asyncio.create_task(_parent_gone()))
        server = self._server()
        app = make_app(server, self._settings)
        serving: asyncio.Future[Any] | None = None
        try:
            server.controller.on_server_bind.add(lambda bound: self._bind(bound, app))
            serving = asyncio.ensure_future(self._start(server))
            await asyncio.wait([server.ready, serving, *ends], return_when=asyncio.FIRST_COMPLETED)
            self._raise_of(serving)
            if server.running:
                beside = [asyncio.create_task(self._tell(server.port)), asyncio.create_task(self._open(app))]
                await asyncio.wait([serving, *ends], return_when=asyncio.FIRST_COMPLETED)
                for going_on in beside:
                    going_on.cancel()
                self._raise_of(serving)
        finally:
            app.close()
            await end_all(_END_SECONDS)
            # wslink ends by itself when no browser comes, and may not be asked again.
            if server.running and serving is not None and not serving.done():
                await _stop(server)
            for task in ends if serving is None else [serving, *ends]:
                task.cancel()
        return 0

    def _server(self) -> Any:
        from trame.app import get_server

        server = get_server("dualssl", client_type="vue3")
        # Nobody knows it, for nobody needs it: see TicketProtocol.
        server.cli.set_defaults(authKey=new_secret())
        server.add_protocol_to_configure(lambda protocol: protocol.registerLinkProtocol(TicketProtocol(self._guard)))
        return server

    def _start(self, server: Any) -> Any:
        return server.start(
            exec_mode="coroutine",
            host=self._settings.host,
            port=self._settings.port,
            # Seconds without a browser after which wslink ends the server; 0 never.
            timeout=_SECONDS_A_MINUTE * self._settings.idle_minutes,
            # Signals are ours.
            thread=True,
            open_browser=False,
            show_connection_info=False,
        )

    def _bind(self, bound: Any, app: App) -> None:
        """Before the server listens: its routes and what stands before them."""
        self._guard.install(bound.app)
        page = FirstPage(Path(bound.config["static"]["/"]) / "index.html")
        page.install(bound.app)
        SecurityHeaders(page.text).install(bound.app)
        install_connecting(bound.app)
        install_uploads(bound.app, Uploads(self._folder / "uploads", self._settings.max_upload_mb, app.uploads))

    def _raise_of(self, serving: asyncio.Future[Any]) -> None:
        error = serving.exception() if serving.done() else None
        if isinstance(error, OSError):
            # asyncio's own text is long and names the address again.
            cause = os.strerror(error.errno).lower() if error.errno else str(error)
            raise ServingError(
                f"Port {self._settings.port} of {self._settings.host} cannot be used ({cause}): choose another with --port, or "
                "any that is free with --port 0."
            ) from error
        if error is not None:
            raise error

    async def _tell(self, port: int) -> None:
        host = self._settings.host
        url = address(host, port, self._token)
        # A launcher knows the token it gave, and what is said to it goes to a file.
        say(f"{READY} {url if self._settings.token is None else address(host, port, None)}")
        sys.stdout.flush()
        if self._settings.open_browser:
            await show(url)

    async def _open(self, app: App) -> None:
        try:
            await app.open()
        except DualSSLError as error:
            _log.error("%s", error)
        except Exception:
            _log.exception("The first volume could not be opened")


def _application(server: Any, settings: Settings) -> App:
    try:
        from dualssl_web.app import WebApp
    except ModuleNotFoundError as error:
        if error.name != "slicer":
            raise
        raise ServingError(
            "slicer-core is not installed, most likely because there is none for this system: use Python 3.10 to 3.13 on Linux "
            "(x86-64), macOS (Apple silicon) or Windows."
        ) from error

    return WebApp(server, settings)


@contextmanager
def _nothing_for_trame() -> Iterator[None]:
    """Take away what trame would read: the process's arguments, and variables that could have it listen elsewhere."""
    arguments, sys.argv = sys.argv, sys.argv[:1]
    kept = {name: value for name in _OF_TRAME if (value := os.environ.pop(name, None)) is not None}
    try:
        yield
    finally:
        sys.argv = arguments
        os.environ.update(kept)


def on_signals(function: Callable[[], None]) -> None:
    """Have a function called from the running event loop when the process is asked to end."""
    loop = asyncio.get_running_loop()
    for kind in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(kind, function)
        except NotImplementedError:
            # Windows.
            signal.signal(kind, lambda *_: loop.call_soon_threadsafe(function))


async def _parent_gone() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(_PARENT_SECONDS)


async def _stop(server: Any) -> None:
    # A browser that does not answer must not hold it up.
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(server.stop(), _END_SECONDS)
