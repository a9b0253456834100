"""Plain NRRD: images/NAME.nrrd, labels/NAME.nrrd and dataset.json, a folder that `dualssl train` takes as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dualssl.cases.exchange.folders import DESCRIPTION, Content, FoundCase, FoundCases, WrittenCase, label_values
from dualssl.dataset import read_dataset


class PlainNrrd:
    """A dataset as `dualssl.dataset` reads it, with lists of its labelled and unlabelled cases."""

    def image_path(self, case: WrittenCase, channel: int) -> str:
        """Where a channel of a case goes."""
        return f"images/{case.name}.nrrd" if case.channels == 1 else f"images/{case.name}_{channel:04d}.nrrd"

    def label_path(self, name: str) -> str:
        """Where the label map of a case goes."""
        return f"labels/{name}.nrrd"

    def texts(self, content: Content) -> dict[str, Any]:
        """`dataset.json`, and the lists that `dualssl train` asks for."""
        lists = {"labelled.txt": content.labelled, "unlabelled.txt": content.unlabelled}
        return {
            DESCRIPTION: {
                "name": content.name,
                "channel_names": {str(number): channel for number, channel in enumerate(content.channel_names)},
                "labels": label_values(content.labels),
                "file_ending": ".nrrd",
            },
            **{file: "".join(f"{case}\n" for case in cases) for file, cases in lists.items() if cases},
        }

    def read(self, folder: Path) -> FoundCases:
        """What a dataset holds, in any file format that volumes are read from.

        Raises:
            DatasetError: `dataset.json` is missing or not usable.
        """
        dataset = read_dataset(folder)
        cases = []
        for name in dataset.cases():
            labels = dataset.label_path(name)
            cases.append(FoundCase(name, dataset.image_paths(name), labels if labels.exists() else None))
        return FoundCases(dataset.labels, tuple(cases))
