"""A server of its own for each user: started by wslink's launcher, behind a first page that is guarded as a server is."""

from __future__ import annotations

import asyncio
import html
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import web
from wslink.backends.aiohttp.launcher import LauncherResource

from dualssl.cli.console import say
from dualssl.errors import DualSSLError
from dualssl.worker.tree import end_tree
from dualssl_web.access.guard import Guard
from dualssl_web.access.headers import SecurityHeaders
from dualssl_web.access.host_names import HostNames, name_of
from dualssl_web.access.password import FORM, PasswordForm
from dualssl_web.access.token import address, new_secret
from dualssl_web.serving import READY, on_signals
from dualssl_web.session_folder import session_folder

START = "/session"

_APPLICATION = "dualssl"
_COMMAND = (sys.executable, "-m", "dualssl_web")
_END_SECONDS = 10.0
_START_SECONDS = 90

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>DualSSL Segmentation</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1c1c1c; background: #ffffff; }}
main {{ margin: 15vh auto; max-width: 30rem; padding: 0 1rem; }}
button {{ font: inherit; padding: 0.5rem 1rem; border: 0; border-radius: 4px; background: #0b57a4; color: #ffffff; }}
</style>
</head>
<body>
<main>
<h1>DualSSL Segmentation</h1>
<p role="status">{message}</p>
{content}
</main>
</body>
</html>
"""
_FORM = f"""<form method="post" action="{START}">
<button id="start" type="submit">Start a session</button>
</form>"""


@dataclass(frozen=True)
class LauncherSettings:
    """What the command line says.

    Attributes:
        home: folder that all sessions share: models, runs and cases.
        ports: first and last port for sessions; there are never more sessions than ports.
        host: address that launcher and sessions listen on.
        port: of the launcher's page; 0 takes any that is free.
        password: asked for by a form; None asks for the token in the printed address instead.
        host_names: further names that browsers call this computer by.
        idle_minutes: a session ends when no browser was connected for so long.
        arguments: further arguments of the sessions' command line.
    """

    home: Path
    ports: tuple[int, int]
    host: str = "127.0.0.1"
    port: int = 8080
    password: str | None = field(default=None, repr=False)
    host_names: tuple[str, ...] = ()
    idle_minutes: int = 480
    arguments: tuple[str, ...] = ()


class LauncherError(DualSSLError):
    """The launcher cannot be started."""


def configuration(settings: LauncherSettings, folder: Path) -> dict[str, Any]:
    """What wslink's launcher reads from its configuration file.

    Args:
        settings: what the command line says.
        folder: for logs and the list of sessions; only its owner can read it.
    """
    command = [*_COMMAND, "--home", str(settings.home), "--host", settings.host, "--no-browser"]
    for name in settings.host_names:
        command += ["--host-name", name]
    command += ["--idle-minutes", str(settings.idle_minutes), "--ends-with-parent", *settings.arguments]
    # The launcher puts in its variables twice, and takes two dollar signs for one each time.
    plain = [word.replace("$", "$$$$") for word in command]
    return {
        "configuration": {
            "host": settings.host,
            "port": settings.port,
            "endpoint": START,
            "content": "",
            "proxy_file": str(folder / "sessions.txt"),
            "sessionURL": "http://USE_HOSTNAME:${port}/",
            "timeout": _START_SECONDS,
            "log_dir": str(folder),
            "fields": ["port"],
            "sanitize": {},
        },
        "resources": [{"host": settings.host, "port_range": list(settings.ports)}],
        "properties": {},
        "apps": {
            _APPLICATION: {
                # No secret is among the arguments, which every user of the computer can read.
                "cmd": [*plain, "--port", "${port}", "--token-file", "${token_file}"],
                "ready_line": READY,
            }
        },
    }


def launch(settings: LauncherSettings) -> int:
    """Serve the first page until the process is asked to end; all sessions end with it.

    Returns:
        Exit status.

    Raises:
        LauncherError: the port cannot be used.
        OutputError: the home folder cannot be written.
    """
    with session_folder(settings.home) as folder:
        return asyncio.run(_Launcher(settings, folder).run())


class _Launcher:
    def __init__(self, settings: LauncherSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._resource = LauncherResource(None, configuration(settings, folder))
        self._numbers = count(1)

    async def run(self) -> int:
        asked_to_end = asyncio.Event()
        on_signals(asked_to_end.set)
        settings = self._settings
        token = new_secret() if settings.password is None else None
        app = web.Application()
        form = None if settings.password is None else PasswordForm(settings.password)
        Guard(HostNames(settings.host, settings.host_names), token, form).install(app)
        SecurityHeaders(forms=("/", START, FORM)).install(app)
        app.add_routes([web.get("/", self._page), web.post(START, self._start)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, settings.host, settings.port).start()
            except OSError as error:
                raise LauncherError(
                    f"Port {settings.port} of {settings.host} cannot be used ({error.strerror or error}): choose another with "
                    "--port."
                ) from error
            say(f"{READY} {address(settings.host, runner.addresses[0][1], token)}")
            sys.stdout.flush()
            await asked_to_end.wait()
        finally:
            await self._end(tuple(self._resource.process_manager.processes.values()))
            await runner.cleanup()
        return 0

    async def _page(self, _: web.Request) -> web.Response:
        return _answer("Each session has its own program; models and cases are shared.", _FORM)

    async def _start(self, request: web.Request) -> web.Response:
        secret = new_secret()
        token_file = self._folder / f"token-{next(self._numbers)}"
        token_file.touch(mode=0o600)
        token_file.write_text(secret, encoding="utf-8")
        try:
            reply: Any = await self._resource.handle_post(_Wish({"application": _APPLICATION, "token_file": str(token_file)}))
        finally:
            # The session has read and removed it, if it began at all.
            with suppress(OSError):
                token_file.unlink()
        if reply.status != web.HTTPOk.status_code:
            text = "No session could be started: all may be taken. Wait until somebody has ended theirs, then try again."
            return _answer(text, _FORM, 503)
        name = name_of(request.host) or "localhost"
        url = html.escape(address(name, json.loads(reply.text)["port"], secret))
        response = _answer("Your session is ready.", f'<p><a id="open" href="{url}">Open it</a></p>')
        # No redirect: a browser would count the session as the target of the form, which may only be this page.
        response.headers["Refresh"] = f"0; url={html.unescape(url)}"
        return response

    async def _end(self, sessions: Sequence[subprocess.Popen[bytes]]) -> None:
        for session in sessions:
            session.terminate()
        for session in sessions:
            try:
                await asyncio.to_thread(session.wait, _END_SECONDS)
            except subprocess.TimeoutExpired:
                end_tree(session.pid)
                session.wait()


class _Wish:
    """A request to wslink's launcher of which nothing comes from outside: every word of it could become an argument.

    Args:
        words: the application, and variables of its command.
    """

    def __init__(self, words: dict[str, str]) -> None:
        self._words = words

    async def json(self) -> dict[str, str]:
        """As aiohttp has it."""
        return self._words


def _answer(message: str, content: str, status: int = 200) -> web.Response:
    text = _PAGE.format(message=html.escape(message), content=content)
    return web.Response(text=text, content_type="text/html", status=status)
