"""Whether a NIfTI file holds all the voxels its header promises: ITK fills in what is missing without a word.

NRRD and MetaImage need no such check, ITK refuses truncated ones itself.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from pathlib import Path
from typing import IO, cast

from dualssl.errors import VolumeError

CHUNK_BYTES = 1 << 22


def check_complete(path: Path) -> None:
    """Raise if a NIfTI file is shorter than its header says; other formats pass.

    Raises:
        VolumeError: truncated or damaged.
    """
    name = path.name.lower()
    if not name.endswith((".nii", ".nii.gz")):
        return
    packed = name.endswith(".gz")
    try:
        with cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb") as file:
            expected = _expected_bytes(file.read(544))
        actual = _unpacked_bytes(path, expected) if packed else path.stat().st_size
    except (EOFError, gzip.BadGzipFile, zlib.error, struct.error) as error:
        raise VolumeError(f"{path} is truncated or damaged ({error}): copy it again from its source.") from error
    if actual < expected:
        raise VolumeError(f"{path} is truncated, it has {actual} of {expected} bytes: copy it again from its source.")


def _expected_bytes(header: bytes) -> int:
    """Length of the whole file by the header of NIfTI-1 (348 bytes) or NIfTI-2 (540 bytes), either byte order."""
    order = "<" if struct.unpack_from("<i", header)[0] in (348, 540) else ">"
    if struct.unpack_from(order + "i", header)[0] == 540:
        bits = struct.unpack_from(order + "h", header, 14)[0]
        dims = struct.unpack_from(order + "8q", header, 16)
        start = struct.unpack_from(order + "q", header, 168)[0]
    else:
        dims = struct.unpack_from(order + "8h", header, 40)
        bits = struct.unpack_from(order + "h", header, 72)[0]
        start = int(struct.unpack_from(order + "f", header, 108)[0])
    return int(start + prod(max(1, n) for n in dims[1 : 1 + dims[0]]) * bits // 8)


def _unpacked_bytes(path: Path, expected: int) -> int:
    # A gzip member ends in its unpacked length, modulo 2^32 (RFC 1952): in a whole file this saves unpacking it twice.
    with path.open("rb") as raw:
        raw.seek(-4, 2)
        if struct.unpack("<I", raw.read(4))[0] == expected % (1 << 32):
            return expected
    total = 0
    with gzip.open(path) as file:
        while part := file.read(CHUNK_BYTES):
            total += len(part)
    return total
