"""MONAI's datalist: a JSON file that lists images with their labels, as `monai.data.load_decathlon_datalist` reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dualssl.cases.exchange.folders import (
    DESCRIPTION,
    Content,
    FoundCase,
    FoundCases,
    WrittenCase,
    label_table,
    label_values,
    read_description,
)
from dualssl.errors import LibraryError
from dualssl.volumes.names import volume_name

_SECTIONS = ("training", "validation", "test", "testing")


class MonaiDatalist:
    """A datalist beside the volumes it names: sections `training` (with labels) and `test` (without)."""

    def image_path(self, case: WrittenCase, channel: int) -> str:
        """Where a channel of a case goes."""
        return f"images/{case.name}_{channel:04d}.nrrd"

    def label_path(self, name: str) -> str:
        """Where the label map of a case goes."""
        return f"labels/{name}.nrrd"

    def texts(self, content: Content) -> dict[str, Any]:
        """`dataset.json`."""

        def image(name: str, labelled: bool) -> str | list[str]:
            case = WrittenCase(name, len(content.channel_names), labelled)
            paths = [self.image_path(case, channel) for channel in range(case.channels)]
            return paths[0] if case.channels == 1 else paths

        return {
            DESCRIPTION: {
                "name": content.name,
                "labels": {str(value): label for label, value in label_values(content.labels).items()},
                "modality": {str(number): channel for number, channel in enumerate(content.channel_names)},
                "numTraining": len(content.labelled),
                "numTest": len(content.unlabelled),
                "training": [{"image": image(case, True), "label": self.label_path(case)} for case in content.labelled],
                "test": [{"image": image(case, False)} for case in content.unlabelled],
            }
        }

    def read(self, folder: Path) -> FoundCases:
        """What a datalist names; paths count from the folder it lies in.

        Args:
            folder: with a `dataset.json`, or the JSON file itself, whatever its name.

        Raises:
            LibraryError, DatasetError: the file is missing or not usable.
        """
        path = folder if folder.is_file() else folder / DESCRIPTION
        data = read_description(path)
        sections = [data[name] for name in _SECTIONS if name in data]
        if not sections or not all(isinstance(section, list) for section in sections):
            raise LibraryError(f"{path} has none of the lists {', '.join(_SECTIONS)}: name a MONAI datalist.")
        cases = [_case(entry, path) for section in sections for entry in section]
        labels = label_table(data["labels"], path) if "labels" in data else None
        return FoundCases(labels, tuple(sorted(cases, key=lambda case: case.name)))


def _case(entry: Any, path: Path) -> FoundCase:
    """A case from {"image": file or files, "label": file}, or from the file's name alone."""
    image, label = (entry.get("image"), entry.get("label")) if isinstance(entry, dict) else (entry, None)
    images = image if isinstance(image, list) else [image]
    if not images or not all(isinstance(file, str) for file in images) or not (label is None or isinstance(label, str)):
        raise LibraryError(f"{path} has an entry that names no image ({str(entry)[:80]}): give each an 'image' and a 'label'.")
    files = tuple(path.parent / str(file) for file in images)
    return FoundCase(volume_name(files[0]), files, None if label is None else path.parent / label)
