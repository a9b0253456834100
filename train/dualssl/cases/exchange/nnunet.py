"""nnU-Net's raw dataset: imagesTr/NAME_0000.nrrd, labelsTr/NAME.nrrd, dataset.json; cases without labels in imagesTs/.

The format is described in nnU-Net's documentation/dataset_format.md, version 2.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dualssl.cases.exchange.folders import (
    DESCRIPTION,
    Content,
    FoundCase,
    FoundCases,
    WrittenCase,
    channel_names,
    label_table,
    label_values,
    names_with_ending,
    read_description,
)


class NnunetRaw:
    """An nnU-Net raw dataset, `nnUNet_raw/DatasetNNN_NAME`."""

    def image_path(self, case: WrittenCase, channel: int) -> str:
        """Where a channel of a case goes."""
        return f"images{'Tr' if case.labelled else 'Ts'}/{case.name}_{channel:04d}.nrrd"

    def label_path(self, name: str) -> str:
        """Where the label map of a case goes."""
        return f"labelsTr/{name}.nrrd"

    def texts(self, content: Content) -> dict[str, Any]:
        """`dataset.json`."""
        return {
            DESCRIPTION: {
                "name": content.name,
                "channel_names": {str(number): channel for number, channel in enumerate(content.channel_names)},
                "labels": label_values(content.labels),
                "numTraining": len(content.labelled),
                "file_ending": ".nrrd",
            }
        }

    def read(self, folder: Path) -> FoundCases:
        """What a dataset holds, from this program or from others, in any file format that volumes are read from.

        Raises:
            LibraryError, DatasetError: `dataset.json` is missing or not usable.
        """
        path = folder / DESCRIPTION
        data = read_description(path)
        ending = str(data.get("file_ending", ".nii.gz"))
        channels = range(len(channel_names(data, path)))
        cases = []
        for images in (folder / "imagesTr", folder / "imagesTs"):
            for name in names_with_ending(images, f"_0000{ending}"):
                labels = folder / "labelsTr" / f"{name}{ending}"
                found = labels if images.name == "imagesTr" and labels.exists() else None
                cases.append(FoundCase(name, tuple(images / f"{name}_{n:04d}{ending}" for n in channels), found))
        return FoundCases(label_table(data.get("labels"), path), tuple(sorted(cases, key=lambda case: case.name)))
