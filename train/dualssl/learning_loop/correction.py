"""One case goes through the simulated reader's hands, as through a person's: predict, list regions, mend, save."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dualssl.case_files import EDITED, LEFT, UNSEEN
from dualssl.learning_loop.reader import CaseLabels, read_regions
from dualssl.learning_loop.reviews import Review
from dualssl.library_prediction import store_prediction
from dualssl.review import RegionSettings, find_regions
from dualssl.volumes.read import read_label_map
from dualssl.volumes.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dualssl.cases.library import CaseLibrary
    from dualssl.dataset import Dataset
    from dualssl.learning_loop.reader import ReaderSettings, Reading
    from dualssl.prediction.predictor import Predictor
    from dualssl.prediction.results import Prediction

REVIEWER = "simulated reader"


def correct_case(
    library: CaseLibrary,
    name: str,
    predictor: Predictor,
    sha256: str,
    dataset: Dataset,
    settings: ReaderSettings,
    path: Path,
) -> None:
    """Let the reader correct a case of the library.

    The case is predicted once more, since a library keeps no label maps of the single networks, and the prediction is stored
    unless the newest one there is the same. The review is written before the correction: where there is a correction, there is
    a review.

    Args:
        library: gets the correction.
        name: of the case.
        predictor: of the model whose prediction the reader sees.
        sha256: of that model.
        dataset: with the truth, under the same name.
        settings: how the reader works.
        path: file of the review.

    Raises:
        DualSSLError: the case cannot be read or predicted, or nothing can be written.
    """
    images = library.read_images(name)
    grid = images[0].geometry
    truth = read_label_map(dataset.label_path(name), range(dataset.labels.channels), grid).array
    prediction = predictor.predict(images)
    number = _seen(library, name, images, prediction, predictor.manifest.id, sha256)
    wanted = RegionSettings(max_regions=settings.followed)
    found = find_regions(prediction.entropy, prediction.kl, prediction.label, grid, wanted)
    labels = CaseLabels(prediction.label, prediction.label_a, prediction.label_b, truth)
    reading = read_regions(labels, found, len(library.labels), settings)
    Review.of(name, predictor.manifest.id, reading).write(path)
    library.save_correction(
        name,
        Volume(reading.labels, grid),
        reviewer=REVIEWER,
        edit_mask=Volume(_marks(reading), grid),
        based_on=number,
        regions_reviewed=[region.to_json() for region in found.regions[: reading.mended]],
        notes="Made by a benchmark from known labels; no person looked at this case.",
    )


def _marks(reading: Reading) -> NDArray[np.uint8]:
    marks = np.where(reading.seen, LEFT, UNSEEN).astype(np.uint8)
    marks[reading.edits] = EDITED
    return marks


def _seen(library: CaseLibrary, name: str, images: Sequence[Volume], prediction: Prediction, model_id: str, sha256: str) -> int:
    """Number of the prediction that the reader sees: the newest of the library, or a new one if that is another."""
    newest = library.case(name).prediction
    if newest is not None and newest.provenance.model_sha256 == sha256:
        stored = library.read_prediction(name, newest.number)
        if np.array_equal(stored.labels.array, prediction.label):
            return newest.number
    record, _ = store_prediction(library, name, images, prediction, model_id, sha256)
    return record.number
