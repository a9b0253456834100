"""What a volume is called, and where the channels of a case lie, from a path."""

from __future__ import annotations

import re
from pathlib import Path

from dualssl.errors import VolumeError

_ENDINGS = (".seg.nrrd", ".nii.gz", ".nrrd", ".nhdr", ".nii", ".mha", ".mhd")


def volume_name(path: Path) -> str:
    """The case's name: the file's without its ending and channel number, or the folder's."""
    # Of a link the name that was given counts, not that of the file behind it; only `.` and `..` are no names.
    name = path.name if path.name not in ("", "..") else path.resolve().name
    for ending in _ENDINGS:
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
            break
    return re.sub(r"_0000$", "", name)


def channel_files(path: Path, channels: int) -> tuple[Path, ...]:
    """The files of all channels of the case whose first is `path`: NAME_0000.ext, NAME_0001.ext ...

    Raises:
        VolumeError: the model has several channels and `path` is not named like the first of several.
    """
    if channels == 1:
        return (path,)
    if "_0000." not in path.name:
        raise VolumeError(
            f"The model takes {channels} channels: give the first as NAME_0000{''.join(path.suffixes)}, with the others "
            "beside it as NAME_0001 and so on."
        )
    return tuple(path.with_name(path.name.replace("_0000.", f"_{n:04d}.")) for n in range(channels))
