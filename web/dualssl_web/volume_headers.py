"""What a volume file says about itself before ITK reads it: its kind, and in which files its voxels are."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from pathlib import Path

from dualssl.errors import VolumeError

ENDINGS = (".nrrd", ".nhdr", ".nii.gz", ".nii", ".mha", ".mhd")
"""Of volume files; in the order in which they are tried."""

_LONGEST_HEADER = 1 << 20
_NIFTI_HEADER = {348: (344, b"n+1\0"), 540: (4, b"n+2\0")}
_MHA_DATA = re.compile(rb"^\s*ElementDataFile\s*[=:]\s*(.*?)\s*$", re.IGNORECASE | re.MULTILINE)


def ending_of(name: str) -> str:
    """The ending of a volume file's name, lower-case; empty for others."""
    lower = name.lower()
    return next((ending for ending in ENDINGS if lower.endswith(ending)), "")


def data_file(path: Path) -> str | None:
    """The name of the one other file that a volume's voxels are in, relative to it; None where they are in the file itself.

    Raises:
        VolumeError: its content is not what its ending says, or its voxels are in several files.
        OSError: it cannot be read.
    """
    ending = ending_of(path.name)
    if ending in (".nrrd", ".nhdr"):
        return _of_nrrd(path)
    if ending in (".mha", ".mhd"):
        return _of_metaimage(path)
    if ending in (".nii", ".nii.gz"):
        _check_nifti(path, packed=ending == ".nii.gz")
    return None


def _of_nrrd(path: Path) -> str | None:
    """NRRD's definition of the file format, section 5: fields until an empty line; `data file` where voxels are elsewhere."""
    lines = _beginning(path).replace(b"\r\n", b"\n").split(b"\n\n", 1)[0].split(b"\n")
    if not lines[0].startswith(b"NRRD000"):
        raise _no_such_kind(path, "NRRD")
    for line in lines[1:]:
        field, colon, value = line.partition(b":")
        if colon and b"".join(field.lower().split()) == b"datafile":
            return _one_name(path, value.strip())
    return None


def _of_metaimage(path: Path) -> str | None:
    beginning = _beginning(path)
    found = _MHA_DATA.search(beginning)
    # A first line that only text could be; the field is the header's last.
    if found is None or b"\0" in beginning[: found.start()]:
        raise _no_such_kind(path, "MetaImage")
    return None if found[1].upper() == b"LOCAL" else _one_name(path, found[1])


def _check_nifti(path: Path, packed: bool) -> None:
    """NIfTI-1 and -2: length of the header in either byte order, and a magic that says that voxels follow in the same file."""
    try:
        if packed:
            with gzip.open(path) as file:
                header = file.read(540)
        else:
            with path.open("rb") as file:
                header = file.read(540)
        length = next(n for order in "<>" if (n := struct.unpack_from(f"{order}i", header)[0]) in _NIFTI_HEADER)
    except (EOFError, gzip.BadGzipFile, zlib.error, struct.error, StopIteration) as error:
        raise _no_such_kind(path, "NIfTI") from error
    place, magic = _NIFTI_HEADER[length]
    if header[place : place + len(magic)] != magic:
        raise _no_such_kind(path, "NIfTI with its voxels in one file")


def _one_name(path: Path, value: bytes) -> str:
    name = value.decode("utf-8", errors="replace")
    if not name or name.split()[0].upper() == "LIST" or "%" in name:
        raise VolumeError(f"{path} has its voxels in several files: save it as one file.")
    return name


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LONGEST_HEADER)


def _no_such_kind(path: Path, kind: str) -> VolumeError:
    return VolumeError(f"{path} is not {kind}, which its name says it is: save it again from the program that made it.")
