"""Stand-in of the module Sample Data: it keeps what is registered; nothing is ever downloaded."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from typing import Any

import slicer


@dataclass(frozen=True)
class SampleDataSource:
    """One entry of the Sample Data module, as registered."""

    sampleName: str | None = None
    uris: Any = None
    fileNames: Any = None
    nodeNames: Any = None
    customDownloader: Any = None
    thumbnailFileName: str | None = None
    loadFileTypes: Any = None
    loadFiles: Any = None
    loadFileProperties: Any = None
    checksums: Any = None


class SampleDataLogic:
    """Registers entries and gives them back."""

    @staticmethod
    def registerCustomSampleDataCategory(category: str, title: str) -> None:
        """Give a category a title."""
        slicer.modules.sampleDataTitles[category] = title

    @staticmethod
    def registerCustomSampleDataSource(category: str = "Custom", **fields: Any) -> None:
        """Add an entry; one that is there already is not added twice."""
        source = SampleDataSource(**fields)
        if not SampleDataLogic.isSampleDataSourceRegistered(category, source):
            slicer.modules.sampleDataSources.setdefault(category, []).append(source)

    @staticmethod
    def sampleDataSourcesByCategory(category: str | None = None) -> list[SampleDataSource]:
        """The entries of a category, or all."""
        sources = slicer.modules.sampleDataSources
        if category is not None:
            return list(sources.get(category, []))
        return [source for entries in sources.values() for source in entries]

    @staticmethod
    def isSampleDataSourceRegistered(category: str, source: SampleDataSource) -> bool:
        """Whether an entry is there."""
        return source in slicer.modules.sampleDataSources.get(category, [])

    def downloadFromSource(self, source: SampleDataSource) -> Any:
        """What a click on the entry does, where it has a function of its own."""
        if source.customDownloader is None:
            raise RuntimeError("The harness downloads nothing.")
        return source.customDownloader(source)


def install() -> None:
    """Make `import SampleData` work, with nothing registered."""
    module = types.ModuleType("SampleData")
    module.SampleDataLogic = SampleDataLogic
    module.SampleDataSource = SampleDataSource
    sys.modules["SampleData"] = module
    slicer.modules.sampleDataSources = {}
    slicer.modules.sampleDataTitles = {}


def uninstall() -> None:
    """Take it away again."""
    sys.modules.pop("SampleData", None)
    del slicer.modules.sampleDataSources, slicer.modules.sampleDataTitles
