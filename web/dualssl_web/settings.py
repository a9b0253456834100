"""What the command line says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Everything that a server is started with; all paths are absolute.

    Attributes:
        volume: file or DICOM folder to open at the start; None opens a generated sample case.
        library: case library; None is the one in `home`.
        model: folder of a model to offer beside the shipped ones and those in `home`.
        home: the person's own folder: registry of models, runs of fine-tuning and, by default, the case library.
        host: address that the server listens on.
        port: 0 takes any that is free.
        password: asked for by a form; None asks for the token in the printed address instead.
        max_upload_mb: nothing that is uploaded may be larger, in units of 1,000,000 bytes, neither packed nor unpacked.
        open_browser: whether the address is opened in the person's browser.
        token: the one to use, of a server that a launcher starts; None makes a new one.
        host_names: names that browsers may call the server by, beside its own: those of a proxy before it.
        idle_minutes: the server ends when no browser was connected for so long; 0 never.
        ends_with_parent: whether the server ends when the process that started it is gone.
    """

    volume: Path | None
    library: Path | None
    model: Path | None
    home: Path
    host: str = "127.0.0.1"
    port: int = 8080
    password: str | None = field(default=None, repr=False)
    max_upload_mb: int = 2_000
    open_browser: bool = True
    token: str | None = field(default=None, repr=False)
    host_names: tuple[str, ...] = ()
    idle_minutes: int = 0
    ends_with_parent: bool = False
