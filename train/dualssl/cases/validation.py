"""What may come into a library: images that can be read again, labels that fit their image, plain texts and numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.case_files import EDITED, LEFT, MARKS, OUTSIDE, UNSEEN
from dualssl.errors import LibraryError
from dualssl.volumes.compare import differences
from dualssl.volumes.read import check_image
from dualssl.volumes.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.geometry import Geometry
    from dualssl.labels import LabelTable


def check_channels(name: str, channels: Sequence[Volume], channel_names: Sequence[str]) -> None:
    """See that `channels` can be the image of a case.

    Raises:
        LibraryError: too few or too many, on different grids, or of a kind that no file holds.
        VolumeError: as `check_image`.
    """
    if len(channels) != len(channel_names):
        raise LibraryError(
            f"Case '{name}' has {len(channels)} channel(s), the library's cases have {len(channel_names)} "
            f"({', '.join(channel_names)}): give one volume for each."
        )
    for number, volume in enumerate(channels):
        what = f"channel {channel_names[number]} of case '{name}'"
        _check_numbers(volume, what)
        if volume.array.shape[0] == 1:
            raise LibraryError(f"The {what} has a single slice: use a volume of several slices.")
        check_image(volume, Path(what))
        if not volume.geometry.matches(channels[0].geometry):
            raise LibraryError(
                f"The {what} differs from the first channel in {differences(volume.geometry, channels[0].geometry)}: bring all "
                "channels to one grid."
            )


def checked_label_map(volume: Volume, what: str, labels: LabelTable, grid: Geometry) -> Volume:
    """A label map as it is stored: uint8, on exactly the image's grid.

    Args:
        volume: any real dtype, whole numbers.
        what: for messages, such as `label map for case 'x'`.
        labels: which values may occur beside 0.
        grid: the image's.

    Raises:
        LibraryError: another grid, values that are no whole numbers or not in `labels`.
    """
    array = _whole_numbers(volume, what, grid)
    if array.min() < 0 or array.max() > len(labels):
        unknown = np.unique(array[(array < 0) | (array > len(labels))])
        shown = ", ".join(f"{value:g}" for value in unknown[:8]) + (" ..." if len(unknown) > 8 else "")
        raise LibraryError(
            f"The {what} has the value(s) {shown}, but the library's labels are 0 to {len(labels)} "
            f"(background, {', '.join(labels.names)}): correct the label map."
        )
    return Volume(array.astype(np.uint8), grid)


def checked_mask(volume: Volume, what: str, grid: Geometry) -> Volume:
    """An edit mask as it is stored: uint8 with the marks of `dualssl.case_files`, on exactly the image's grid.

    Raises:
        LibraryError: another grid or other values.
    """
    array = _whole_numbers(volume, what, grid)
    if not np.isin(array, MARKS).all():
        raise LibraryError(
            f"The {what} has values from {array.min():g} to {array.max():g}: use {EDITED} where a person edited, {UNSEEN} "
            f"where nobody looked, {OUTSIDE} outside of the segmented region and {LEFT} elsewhere."
        )
    return Volume(array.astype(np.uint8), grid)


def checked_map(volume: Volume, what: str, grid: Geometry) -> Volume:
    """A map of finite numbers on exactly the image's grid.

    Raises:
        LibraryError: another grid, NaN or infinity.
    """
    _check_grid(volume, what, grid)
    _check_numbers(volume, what)
    if not np.isfinite(volume.array).all():
        raise LibraryError(f"The {what} has NaN or infinity: predict the case again.")
    return Volume(volume.array, grid)


def checked_scores(scores: Mapping[str, float], name: str) -> dict[str, float]:
    """Scores as they are stored: finite numbers by name.

    Raises:
        LibraryError: a score is no number or not finite.
    """
    for key, value in scores.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not math.isfinite(value):
            raise LibraryError(f"Score '{key}' of the prediction for case '{name}' is {value!r}: give a finite number.")
    return {plain_text(key, "a score's name"): _python_number(value) for key, value in scores.items()}


def checked_features(features: Sequence[float], name: str) -> tuple[float, ...]:
    """A descriptor as it is stored: finite numbers.

    Raises:
        LibraryError: a number is not finite.
    """
    values = tuple(float(value) for value in features)
    if not all(math.isfinite(value) for value in values):
        raise LibraryError(f"The features of the prediction for case '{name}' have NaN or infinity: give finite numbers.")
    return values


def plain_text(text: str, what: str) -> str:
    """A text that a UTF-8 file can hold.

    Raises:
        LibraryError: it cannot, as names of damaged encoding cannot.
    """
    try:
        str(text).encode("utf-8")
    except UnicodeEncodeError as error:
        raise LibraryError(f"{text!r} cannot be stored as {what}: use signs of Unicode only.") from error
    return str(text)


def checked_regions(regions: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Regions as they come back from JSON.

    Raises:
        LibraryError: one is no dict, or JSON cannot hold it.
    """
    what = "regions reviewed"
    try:
        data = json.loads(plain_text(json.dumps(list(regions), allow_nan=False, ensure_ascii=False), what))
    except (TypeError, ValueError) as error:
        raise LibraryError(f"The {what} cannot be stored ({error}): use texts, finite numbers, lists and dicts.") from error
    if not all(isinstance(region, dict) for region in data):
        raise LibraryError(f"The {what} cannot be stored, for one is no dict: give a dict for each region.")
    return tuple(data)


def voxels_changed(before: NDArray[np.uint8], after: NDArray[np.uint8], labels: LabelTable) -> tuple[dict[str, int], int]:
    """How many voxels joined or left each structure between two label maps, and how many changed at all."""
    changed = before != after
    counts = np.bincount(before[changed], minlength=256) + np.bincount(after[changed], minlength=256)
    return {label.name: int(counts[label.value]) for label in labels}, int(np.count_nonzero(changed))


def _whole_numbers(volume: Volume, what: str, grid: Geometry) -> NDArray[Any]:
    _check_grid(volume, what, grid)
    _check_numbers(volume, what)
    array = volume.array
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array == np.rint(array)).all()):
        raise LibraryError(f"The {what} has values that are no whole numbers: use a label map, not an image.")
    return array.astype(np.uint8) if array.dtype.kind == "b" else array


def _check_grid(volume: Volume, what: str, grid: Geometry) -> None:
    if volume.array.ndim != 3:
        raise LibraryError(f"The {what} has {volume.array.ndim} dimensions: give a volume of three.")
    if not volume.geometry.matches(grid):
        raise LibraryError(f"The {what} differs from its image in {differences(volume.geometry, grid)}: use the image's grid.")


def _check_numbers(volume: Volume, what: str) -> None:
    kind, size = volume.array.dtype.kind, volume.array.dtype.itemsize
    if volume.array.ndim != 3:
        raise LibraryError(f"The {what} has {volume.array.ndim} dimensions: give a volume of three.")
    if kind not in "biuf" or size > 8:
        raise LibraryError(f"The {what} has voxels of type {volume.array.dtype}: use whole numbers or float32.")


def _python_number(value: Any) -> float | int:
    number = value.item() if isinstance(value, np.generic) else value
    return number if isinstance(number, int) else float(number)
