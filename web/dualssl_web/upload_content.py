"""What was uploaded, by its content: one volume file that stands on its own, or DICOM slices."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from dualssl.errors import VolumeError
from dualssl.volumes.dicom import MAGIC, MAGIC_AT, is_dicom
from dualssl_web.volume_headers import data_file, ending_of

CONTENT = "content"
"""Folder, in that of an upload, of what can be read."""

_ARCHIVE = ".zip"
_BLOCK = 1 << 20
_MOST_MEMBERS = 20_000
_LONGEST_DIRECTORY = 16 << 20
_END = struct.Struct("<4s4H2LH")
"""End of the central directory of a zip archive: .ZIP File Format Specification, 4.3.16."""
_END_SIGNATURE = b"PK\x05\x06"
_LARGE_SIGNATURE = b"PK\x06\x07"
_LARGE_BYTES = 20
_LONGEST_COMMENT = 1 << 16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_KINDS = "NRRD, NIfTI, MetaImage (.mha), a zip archive of DICOM slices, or the slices themselves"


def sort_out(arrived: Sequence[tuple[Path, str]], place: Path, limit: int) -> tuple[Path, str]:
    """Give what has arrived the form in which it can be read; for a thread of its own.

    Args:
        arrived: files, each with a name that is fit for a file.
        place: folder that they are in; what is made goes there too.
        limit: bytes that an archive may hold unpacked.

    Returns:
        Volume file or folder of DICOM slices, and what to call it.

    Raises:
        VolumeError: of no known kind, not what its name says, or an archive that holds too much.
        OSError: it cannot be written.
    """
    if len(arrived) == 1:
        file, name = arrived[0]
        if name.lower().endswith(_ARCHIVE):
            title = name[: -len(_ARCHIVE)] or "DICOM"
            return _unpacked(file, _folder(place, title), limit, name), title
        if ending_of(name):
            return _volume_file(file, name, place), name
    return _slices(arrived, _folder(place, "DICOM")), "DICOM"


def _volume_file(file: Path, name: str, place: Path) -> Path:
    path = _folder(place) / name
    file.replace(path)
    # A name in a header could stand for any file of the server.
    if data_file(path) is not None:
        raise VolumeError(f"{name} has its voxels in another file: save it as one file, such as .nrrd.")
    return path


def _slices(arrived: Sequence[tuple[Path, str]], folder: Path) -> Path:
    """DICOM slices in a folder of their own, under names of ours; files that are no DICOM are passed over."""
    number = 0
    for file, _ in arrived:
        if is_dicom(file):
            file.replace(folder / f"{number:05d}.dcm")
            number += 1
    if number == 0:
        what = arrived[0][1] if len(arrived) == 1 else f"None of the {len(arrived)} files"
        raise VolumeError(f"{what} is of a kind that can be opened: choose {_KINDS}.")
    return folder


def _unpacked(file: Path, folder: Path, limit: int, name: str) -> Path:
    """The DICOM slices of an archive, under names of ours; no name from the archive is used. Others are not unpacked."""
    left, number = limit, 0
    _check_directory(file, name)
    try:
        with zipfile.ZipFile(file) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > _MOST_MEMBERS:
                raise VolumeError(f"{name} holds {len(members)} files: pack one series alone.")
            for member in members:
                if member.flag_bits & 1:
                    raise VolumeError(f"{name} is protected by a password: pack it without.")
                if member.compress_type not in _METHODS:
                    raise VolumeError(f"{name} is packed in an unusual way: pack it again as an ordinary zip archive.")
                # What is said of sizes in an archive need not be true: bytes are counted as they come.
                with archive.open(member) as content:
                    beginning = content.read(MAGIC_AT + len(MAGIC))
                    if beginning[MAGIC_AT:] != MAGIC:
                        continue
                    with (folder / f"{number:05d}.dcm").open("xb") as slice_:
                        while beginning:
                            left -= len(beginning)
                            if left < 0:
                                raise VolumeError(f"{name} holds more than {limit // 1_000_000} MB: pack one series alone.")
                            slice_.write(beginning)
                            beginning = content.read(_BLOCK)
                number += 1
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError) as error:
        raise VolumeError(f"{name} is no zip archive that can be unpacked ({error}): pack it again.") from error
    if number == 0:
        raise VolumeError(f"{name} holds no DICOM slices: upload a volume of another kind as it is.")
    return folder


def _check_directory(file: Path, name: str) -> None:
    """The list of members is read into memory as a whole, however long: see that it is not."""
    size = file.stat().st_size
    with file.open("rb") as content:
        content.seek(max(0, size - _END.size - _LONGEST_COMMENT - _LARGE_BYTES))
        tail = content.read()
    place = tail.rfind(_END_SIGNATURE)
    if place < 0 or len(tail) < place + _END.size:
        raise VolumeError(f"{name} is no zip archive or damaged: pack it again.")
    *_, members, length, _, _ = _END.unpack_from(tail, place)
    # The form for many or large members has the true figures elsewhere.
    large = tail[max(0, place - _LARGE_BYTES) : place].startswith(_LARGE_SIGNATURE)
    if large or members > _MOST_MEMBERS or length > _LONGEST_DIRECTORY:
        raise VolumeError(f"{name} holds too many files: pack one series alone.")


def _folder(place: Path, name: str = "") -> Path:
    folder = place / CONTENT / name
    folder.mkdir(parents=True)
    return folder
