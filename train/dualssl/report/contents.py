"""What a report is about: runs, example cases, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dualssl.evaluation.evaluate import Evaluation
    from dualssl.model.manifest import Manifest
    from dualssl.prediction.results import Prediction
    from dualssl.review.regions import ReviewRegions
    from dualssl.volumes.volume import Volume


@dataclass(frozen=True, eq=False)
class ReportRun:
    """A trained model and how it did.

    Attributes:
        name: for people, unlike that of every other run of the report.
        preset: what the run did, in a phrase.
        manifest: of the model.
        evaluation: on cases the run has not learned from; at least one.
        records: of `metrics.jsonl`, oldest first; may be empty.
        seconds: wall-clock time of training.
    """

    name: str
    preset: str
    manifest: Manifest
    evaluation: Evaluation
    records: Sequence[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class ReportCase:
    """A case to show.

    Attributes:
        name: of the case.
        image: the channel to show.
        truth: label map on the image's grid (k, j, i), or None if unknown.
        prediction: on the same grid.
        regions: found in the prediction.
        run: name of the run whose model made the prediction; empty if it goes without saying.
    """

    name: str
    image: Volume
    truth: NDArray[np.uint8] | None
    prediction: Prediction
    regions: ReviewRegions
    run: str = ""


@dataclass(frozen=True)
class Command:
    """A line for the shell and, in a phrase, what it is for."""

    purpose: str
    line: str


NEXT_STEPS = (
    Command("Segment an image with a trained model", "dualssl predict RUN/model IMAGE.nrrd --output RESULTS"),
    Command("Score a model on cases with labels", "dualssl evaluate RUN/model DATASET --output figures.json"),
    Command(
        "Train on your own data",
        "dualssl train DATASET --labelled labelled.txt --unlabelled unlabelled.txt --validation validation.txt "
        "--preset strong --output RUN",
    ),
    Command("Check that a model folder is intact", "dualssl models verify RUN/model"),
)
