"""The command line: `dualssl-web`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from dualssl.cli.console import show_error
from dualssl.errors import DualSSLError
from dualssl_web.access.host_names import is_loopback
from dualssl_web.paths import default_home
from dualssl_web.settings import Settings

_SHORTEST_PASSWORD = 8
_PORT = 8080
_UPLOAD_MB = 2000

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class CommandLineError(DualSSLError):
    """Options that do not go together, or a file that one of them names is not as it should be."""


@app.command()
def run(
    volume: Annotated[
        Path | None,
        typer.Option(help="Volume file or DICOM folder to open; without it, a generated sample case.", show_default=False),
    ] = None,
    library: Annotated[
        Path | None, typer.Option(help="Case library; without it, the one in --home.", show_default=False)
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of a model to offer too.", show_default=False)] = None,
    home: Annotated[
        Path | None,
        typer.Option(help="Your own folder for models, runs and cases.", show_default="where the system keeps such data"),
    ] = None,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any that is free.", min=0, max=65535)] = _PORT,
    host: Annotated[
        str, typer.Option(help="Address to listen on; one that other computers can reach needs a password.")
    ] = "127.0.0.1",
    password_file: Annotated[
        Path | None, typer.Option(help="File that holds the password the page asks for.", show_default=False)
    ] = None,
    host_name: Annotated[
        list[str] | None,
        typer.Option(help="A further name that browsers call the server by, such as a proxy's.", show_default=False),
    ] = None,
    max_upload_mb: Annotated[int, typer.Option(help="Largest upload.", min=1)] = _UPLOAD_MB,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in your browser.")] = True,
    idle_minutes: Annotated[int, typer.Option(help="End when no browser was connected for so long; 0 never.", min=0)] = 0,
    token_file: Annotated[Path | None, typer.Option(hidden=True)] = None,
    ends_with_parent: Annotated[bool, typer.Option("--ends-with-parent", hidden=True)] = False,
) -> None:
    """Segment, review, correct and fine-tune in a browser."""
    token = None if token_file is None else _secret(token_file, remove=True)
    password = None if password_file is None else read_password(password_file)
    check_reach(host, password, token)
    settings = Settings(
        volume=existing(volume, "--volume"),
        library=None if library is None else library.absolute(),
        model=existing(model, "--model"),
        home=(home or default_home()).absolute(),
        host=host,
        port=port,
        password=password,
        max_upload_mb=max_upload_mb,
        open_browser=browser,
        token=token,
        host_names=tuple(host_name or ()),
        idle_minutes=idle_minutes,
        ends_with_parent=ends_with_parent,
    )

    from dualssl_web.serving import serve

    raise typer.Exit(serve(settings))


def main() -> None:
    """Run it; an error that a person can mend is one sentence on stderr and exit status 2."""
    run_app(app)


def run_app(command: typer.Typer) -> None:
    """Run a command line."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        command()
    except DualSSLError as error:
        show_error(str(error))
        raise SystemExit(2) from error


def check_reach(host: str, password: str | None, token: str | None) -> None:
    """See that other computers get in with a secret only.

    Raises:
        CommandLineError: they could reach the server, and no password is set.
    """
    if not is_loopback(host) and password is None and token is None:
        raise CommandLineError(
            f"--host {host} lets other computers in: add --password-file FILE, or leave --host out and use an SSH tunnel."
        )


def existing(path: Path | None, option: str) -> Path | None:
    """What an option names, as an absolute path.

    Raises:
        CommandLineError: it is not there.
    """
    if path is not None and not path.exists():
        raise CommandLineError(f"{option} {path} does not exist: check the name and the folder.")
    return None if path is None else path.absolute()


def read_password(path: Path) -> str:
    """The password in a file.

    Raises:
        CommandLineError: it cannot be read, or is too short.
    """
    password = _secret(path)
    if len(password) < _SHORTEST_PASSWORD:
        raise CommandLineError(f"The password in {path} is shorter than {_SHORTEST_PASSWORD} characters: choose a longer one.")
    return password


def _secret(path: Path, remove: bool = False) -> str:
    """The text of a file, without what an editor adds at its end."""
    try:
        text = path.read_text(encoding="utf-8").strip("\r\n")
        if remove:
            path.unlink()
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "it is not UTF-8"
        raise CommandLineError(f"{path} cannot be read ({cause}): check the file.") from error
    return text
