"""Predict the cases of a library in a batch and keep what was found with them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dualssl.cases import CaseState, PredictionFiles, layout
from dualssl.errors import DualSSLError, OutputError, PredictionError
from dualssl.files import make_folder
from dualssl.locks import exclusive
from dualssl.model.fit import misfit
from dualssl.prediction.features import case_descriptor
from dualssl.review import score_case
from dualssl.volumes.volume import Volume

if TYPE_CHECKING:
    from dualssl.cases import CaseLibrary, CaseRecord, PredictionRecord
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
        left_out: names of the cases that others were predicting or had predicted at their turn, or that had left the wanted
            states by then.
    """

    predicted: tuple[str, ...]
    failed: tuple[tuple[str, DualSSLError], ...]
    left_out: tuple[str, ...]


def check_model_fits(library: CaseLibrary, manifest: Manifest) -> None:
    """See that a model segments a library's structures from a library's channels.

    Raises:
        PredictionError: structures or channels differ in name, number or order.
    """
    found = misfit(manifest, library.labels, library.channel_names)
    if found is not None:
        verb = "segments" if found.what == "structures" else "takes the channels"
        raise PredictionError(
            f"The model {manifest.id} {verb} {found.of_model}, but the {found.what} of the library {library.folder} are "
            f"{found.of_cases}: choose a model that was trained for this library."
        )


def predict_library(
    library: CaseLibrary,
    predictor: Predictor,
    sha256: str,
    states: Sequence[CaseState] = WAITING,
    on_case: Callable[[CaseProgress], None] | None = None,
) -> BatchReport:
    """Predict cases one after the other, in order of name, and store each as soon as it is done.

    What goes wrong with one case does not stop the others. Several processes may work on a library at once: a case that another
    batch is predicting, or has predicted with the same model since this one began, is left out, as is one that has left
    `states` by its turn. Of a batch that was killed, the case it was at is free again.

    Args:
        library: open.
        predictor: with a model that has the library's structures and channels.
        sha256: of the model, see `dualssl.model.integrity.model_sha256`.
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
    cases = [case for case in library.cases() if case.state in states]
    make_folder(library.folder / layout.PREDICTING)
    predicted: list[str] = []
    failed: list[tuple[str, DualSSLError]] = []
    left_out: list[str] = []
    for number, case in enumerate(cases):
        name = case.name
        before = CaseProgress(name, number, len(cases))
        after = CaseProgress(name, number + 1, len(cases))
        tell(before)
        try:
            with exclusive(layout.prediction_lock(library.folder, name), _TakenError(f"Case '{name}' is being predicted.")):
                if _is_left(case, library.case(name), states, sha256):
                    after = replace(after, scores=_predict_case(library, predictor, sha256, before, tell))
                    predicted.append(name)
                else:
                    left_out.append(name)
        except _TakenError:
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


def store_prediction(
    library: CaseLibrary, name: str, images: Sequence[Volume], prediction: Prediction, model_id: str, sha256: str
) -> tuple[PredictionRecord, CaseScores]:
    """Keep a prediction with its case: label map, entropy, KL, scores and the case's descriptor.

    Args:
        library: open.
        name: of the case.
        images: its channels.
        prediction: of them.
        model_id, sha256: of the model that predicted.

    Raises:
        LibraryError: there is no such case, or the library can only be read.
        OutputError: no space, no permission.
    """
    scores = score_case(prediction.entropy, prediction.kl, prediction.label, prediction.label_a, prediction.label_b)
    grid = prediction.geometry
    files = PredictionFiles(
        labels=Volume(prediction.label, grid),
        entropy=Volume(prediction.entropy, grid),
        kl=Volume(prediction.kl, grid),
        model_id=model_id,
        model_sha256=sha256,
        scores=scores.to_json(),
        features=case_descriptor(images, prediction, scores),
    )
    return library.add_prediction(name, files), scores


class _TakenError(DualSSLError):
    """Another process is predicting the case."""


def _is_left(before: CaseRecord, now: CaseRecord, states: Sequence[CaseState], sha256: str) -> bool:
    """Whether a case, which was as `before` when the batch began, still is to be predicted."""
    newest = now.prediction
    if now.state not in states:
        return False
    if newest is None or newest.provenance.model_sha256 != sha256:
        return True
    return before.prediction is not None and newest.number == before.prediction.number


def _predict_case(
    library: CaseLibrary, predictor: Predictor, sha256: str, before: CaseProgress, tell: Callable[[CaseProgress], None]
) -> CaseScores:
    def show(count: int, total: int) -> bool:
        tell(replace(before, windows=(count, total)))
        return True

    images = library.read_images(before.name)
    prediction = predictor.predict(images, progress=show)
    _, scores = store_prediction(library, before.name, images, prediction, predictor.manifest.id, sha256)
    return scores
