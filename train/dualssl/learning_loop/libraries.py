"""The libraries of a loop: one with the pool as the first model predicts it, and a copy of it for each order."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dualssl.case_files import read_case
from dualssl.cases.layout import INDEX
from dualssl.cases.library import CaseLibrary
from dualssl.cases.states import CaseState
from dualssl.files import atomic_folder
from dualssl.library_prediction import CaseProgress, predict_library
from dualssl.model.integrity import model_sha256

if TYPE_CHECKING:
    from dualssl.dataset import Dataset
    from dualssl.model.manifest import Manifest
    from dualssl.prediction.predictor import Predictor


def make_base_library(
    folder: Path,
    dataset: Dataset,
    pool: tuple[str, ...],
    manifest: Manifest,
    on_case: Callable[[str, int, int], None],
) -> None:
    """Make the library and put the pool's images into it; what is there already stays. No label map goes in.

    Args:
        folder: of the library.
        dataset: with the images.
        pool: names of the cases.
        manifest: of the model, whose structures and channels the library takes.
        on_case: told the case, the number of cases done and of all.

    Raises:
        DualSSLError: a file cannot be used, or nothing can be written.
    """
    exists = (folder / INDEX).is_file()
    opened = CaseLibrary.open(folder) if exists else CaseLibrary.create(folder, manifest.labels, manifest.channel_names)
    with opened as library:
        there = {case.name for case in library.cases()}
        for number, name in enumerate(pool):
            if name not in there:
                on_case(name, number, len(pool))
                images, _ = read_case(dataset, name, labelled=False)
                library.add_case(name, images)


def predict_base_library(
    folder: Path, model: Path, predictor: Callable[[Path], Predictor], on_case: Callable[[str, int, int], None]
) -> None:
    """Predict all cases of the library that wait.

    Args:
        folder: of the library.
        model: folder of the model.
        predictor: gives its predictor; not called where no case waits.
        on_case: as in `make_base_library`.

    Raises:
        DualSSLError: a case could not be predicted; the others were.
    """

    def show(progress: CaseProgress) -> None:
        if progress.windows is None:
            on_case(progress.name, progress.done, progress.total)

    with CaseLibrary.open(folder) as library:
        if not library.cases(CaseState.waiting):
            return
        report = predict_library(library, predictor(model), model_sha256(model), on_case=show)
    if report.failed:
        raise report.failed[0][1]


def copy_library(source: Path, target: Path) -> None:
    """Copy a library that nobody has open, whole or not at all; a library that is there already stays.

    Volumes, which a library never changes, are linked where the disk can do that: a copy takes hardly any space.

    Raises:
        OutputError: the copy cannot be written.
    """
    if target.is_dir():
        return
    with atomic_folder(target) as temporary:
        shutil.copytree(source, temporary, copy_function=_link_or_copy, dirs_exist_ok=True)


def _link_or_copy(source: str, target: str) -> str:
    if source.endswith(".nrrd"):
        try:
            os.link(source, target)
        except OSError:
            # Such a disk has no links; what else may be wrong, copying finds as well.
            return str(shutil.copy2(source, target))
        return target
    return str(shutil.copy2(source, target))
