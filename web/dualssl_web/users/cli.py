"""The command line for several users: `dualssl-web-users`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dualssl_web.cli import CommandLineError, check_reach, existing, read_password, run_app
from dualssl_web.paths import default_home

_PORT = 8080
_PORTS = "8081-8084"
_IDLE_MINUTES = 480

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run(
    home: Annotated[
        Path | None,
        typer.Option(help="Folder for models, runs and cases, for all.", show_default="where the system keeps such data"),
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the first page; 0 takes any that is free.", min=0, max=65535)] = _PORT,
    session_ports: Annotated[str, typer.Option(help="Ports of sessions, FIRST-LAST: as many sessions at most.")] = _PORTS,
    host: Annotated[
        str, typer.Option(help="Address to listen on; one that other computers can reach needs a password.")
    ] = "127.0.0.1",
    password_file: Annotated[
        Path | None, typer.Option(help="File that holds the password the page asks for.", show_default=False)
    ] = None,
    host_name: Annotated[
        list[str] | None, typer.Option(help="A further name that browsers call this computer by.", show_default=False)
    ] = None,
    idle_minutes: Annotated[int, typer.Option(help="A session ends without a browser for so long; 0 never.", min=0)] = (
        _IDLE_MINUTES
    ),
    volume: Annotated[
        Path | None, typer.Option(help="As of dualssl-web: what every session opens first.", show_default=False)
    ] = None,
    library: Annotated[Path | None, typer.Option(help="As of dualssl-web.", show_default=False)] = None,
    model: Annotated[Path | None, typer.Option(help="As of dualssl-web.", show_default=False)] = None,
) -> None:
    """Give each user of this computer a session: a program, a scene and an engine of its own."""
    password = None if password_file is None else read_password(password_file)
    check_reach(host, password, None)
    places = {
        "--volume": existing(volume, "--volume"),
        "--library": None if library is None else library.absolute(),
        "--model": existing(model, "--model"),
    }

    from dualssl_web.users.launcher import LauncherSettings, launch

    settings = LauncherSettings(
        home=(home or default_home()).absolute(),
        ports=ports_of(session_ports),
        host=host,
        port=port,
        password=password,
        host_names=tuple(host_name or ()),
        idle_minutes=idle_minutes,
        arguments=tuple(word for option, path in places.items() if path is not None for word in (option, str(path))),
    )
    raise typer.Exit(launch(settings))


def main() -> None:
    """Run it; an error that a person can mend is one sentence on stderr and exit status 2."""
    run_app(app)


def ports_of(text: str) -> tuple[int, int]:
    """First and last port of a range such as `8081-8084`.

    Raises:
        CommandLineError: it is none.
    """
    first, _, last = text.partition("-")
    if first.isascii() and first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) <= 65535:
        return int(first), int(last)
    raise CommandLineError(f"--session-ports {text}: give the first and the last port, such as {_PORTS}.")
