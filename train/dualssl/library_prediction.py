"""Predict the cases of a library in a batch and keep what was found with them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dualssl.cases import CaseState, PredictionFiles
from dualssl.errors import DualSSLError, OutputError, PredictionError
from dualssl.files import sha256_of
from dualssl.model.layout import CHECKSUMS
from dualssl.prediction.features import case_descriptor
from dualssl.review import score_case
from dualssl.volumes.volume import Volume

if TYPE_CHECKING:
    from dualssl.cases import CaseLibrary
    from dualssl.model.manifest import Manifest
    from dualssl.prediction.predictor import Predictor
    from dualssl.prediction.results import Prediction
    from dualssl.review import CaseScores

_log = logging.getLogger(__name__)

WAITING = (CaseState.waiting,)
ALL = (CaseState.waiting, CaseState.predicted, CaseState.in_review, CaseState.corrected)
"""Every state but excluded."""


@dataclass(frozen=True)
class CaseProgress:
    """Where a batch stands; told before each case, after each of its windows, and when it is done.

    Attributes:
        name: of the case.
        done: cases that are done, those that failed or were left out included.
        total: cases of the batch.
        windows: windows of this case that are computed, and all of them; None before the first.
        scores: of the finished case, else None.
        error: what went wrong with the case, else None.
    """

    name: str
    done: int
    total: int
    windows: tuple[int, int] | None = None
    scores: CaseScores | None = None
    error: DualSSLError | None = None


@dataclass(frozen=True)
class BatchReport:
    """What became of a batch.

    Attributes:
        predicted: names of the cases that have a new prediction now.
        failed: name and error of the cases that could not be predicted; they are as they were.
        left_out: names of the cases that had left the wanted states before their turn.
    """

    predicted: tuple[str, ...]
    failed: tuple[tuple[str, DualSSLError], ...]
    left_out: tuple[str, ...]


def model_sha256(folder: Path) -> str:
    """SHA-256 that stands for a whole model folder: that of its list of checksums.

    Raises:
        OSError: the list cannot be read.
    """
    return sha256_of(folder / CHECKSUMS)


def check_model_fits(library: CaseLibrary, manifest: Manifest) -> None:
    """See that a model segments a library's structures from a library's channels.

    Raises:
        PredictionError: structures or channels differ in name, number or order.
    """
    pairs = (
        ("segments", manifest.labels.names, "the structures", library.labels.names),
        ("takes the channels", manifest.channel_names, "the channels", library.channel_names),
    )
    for verb, of_model, noun, of_library in pairs:
        if of_model != of_library:
            raise PredictionError(
                f"The model {manifest.id} {verb} {', '.join(of_model)}, but {noun} of the library {library.folder} are "
                f"{', '.join(of_library)}: choose a model that was trained for this library."
            )


def predict_library(
    library: CaseLibrary,
    predictor: Predictor,
    sha256: str,
    states: Sequence[CaseState] = WAITING,
    on_case: Callable[[CaseProgress], None] | None = None,
) -> BatchReport:
    """Predict cases one after the other, in order of name, and store each as soon as it is done.

    What goes wrong with one case does not stop the others. A case that has left `states` by its turn, for instance because
    another process was quicker, is left out. Two processes at the same case at the same time store two predictions.

    Args:
        library: open.
        predictor: with a model that has the library's structures and channels.
        sha256: of the model, see `model_sha256`.
        states: which cases.
        on_case: called as the batch goes on.

    Raises:
        LibraryError: the library can only be read.
        PredictionError: the model does not fit the library.
        OutputError: the library cannot be written, for instance because the disk is full; what was finished is kept.
    """
    library.require_writable()
    check_model_fits(library, predictor.manifest)
    tell = on_case or (lambda _: None)
    names = [case.name for case in library.cases() if case.state in states]
    predicted: list[str] = []
    failed: list[tuple[str, DualSSLError]] = []
    left_out: list[str] = []
    for number, name in enumerate(names):
        before = CaseProgress(name, number, len(names))
        after = CaseProgress(name, number + 1, len(names))
        tell(before)
        try:
            if library.case(name).state in states:
                after = replace(after, scores=_predict_case(library, predictor, sha256, before, tell))
                predicted.append(name)
            else:
                left_out.append(name)
        except OutputError:
            # Not this case is at fault but the disk: the others would fail as well.
            raise
        except DualSSLError as error:
            _log.warning("Case '%s' could not be predicted: %s", name, error)
            after = replace(after, error=error)
            failed.append((name, error))
        tell(after)
    return BatchReport(tuple(predicted), tuple(failed), tuple(left_out))


def prediction_files(
    images: Sequence[Volume], prediction: Prediction, scores: CaseScores, model_id: str, sha256: str
) -> PredictionFiles:
    """A prediction as a library keeps it: label map, entropy, KL, scores and the case's descriptor."""
    grid = prediction.geometry
    return PredictionFiles(
        labels=Volume(prediction.label, grid),
        entropy=Volume(prediction.entropy, grid),
        kl=Volume(prediction.kl, grid),
        model_id=model_id,
        model_sha256=sha256,
        scores=scores.to_json(),
        features=case_descriptor(images, prediction, scores),
    )


def _predict_case(
    library: CaseLibrary, predictor: Predictor, sha256: str, before: CaseProgress, tell: Callable[[CaseProgress], None]
) -> CaseScores:
    def show(count: int, total: int) -> bool:
        tell(replace(before, windows=(count, total)))
        return True

    images = library.read_images(before.name)
    prediction = predictor.predict(images, progress=show)
    scores = score_case(prediction.entropy, prediction.kl, prediction.label, prediction.label_a, prediction.label_b)
    library.add_prediction(before.name, prediction_files(images, prediction, scores, predictor.manifest.id, sha256))
    return scores
