"""What a person asks of a training run, and how the rest follows from the data and the preset."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dualssl.dataset import Dataset
from dualssl.errors import DatasetError
from dualssl.presets import preset_named
from dualssl.training.config import Shape, TrainingConfig
from dualssl.training.fingerprint import Fingerprint, default_patch, take_fingerprint

FULL_WIDTH = 16
PUBLISHED_DROPOUT = 0.5
_ANY_PATCH = (32, 32, 32)


@dataclass(frozen=True)
class TrainingRequest:
    """A wish; None leaves a choice to the preset or the data.

    Attributes:
        labelled: cases whose labels are used.
        unlabelled: cases used without labels; None takes all others. Labelled and validation cases in it are passed over,
            since lists of a whole training set are common.
        validation: cases for the learning curve.
        preset, without, weights: the recipe, the parts of it to leave out, and weights of terms as TERM=WEIGHT.
        spacing: mm along (k, j, i) to resample to; None keeps the cases' median.
        validate_every: iterations between validations; None makes it ten times a run.
        dropout: share of feature maps dropped; None takes the published 0.5 from width 16 on, and none below.

    The other fields are those of `TrainingConfig`.
    """

    labelled: tuple[str, ...]
    unlabelled: tuple[str, ...] | None = None
    validation: tuple[str, ...] = ()
    preset: str = "strong"
    without: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    iterations: int | None = None
    spacing: tuple[float, float, float] | None = None
    patch: Shape | None = None
    batch: int | None = None
    width: int = 16
    seed: int = 1
    validate_every: int | None = None
    name: str | None = None
    dropout: float | None = None

    def resolve(self, dataset: Dataset) -> tuple[Fingerprint, TrainingConfig]:
        """Settle every open choice; reads the labelled cases.

        Raises:
            DualSSLError: a case or file is missing or unusable, or an option does not fit.
        """
        preset = preset_named(self.preset)
        dataset.check_cases(self.labelled, labelled=True, where="The list of labelled cases")
        dataset.check_cases(self.validation, labelled=True, where="The list of validation cases")
        iterations = preset.iterations if self.iterations is None else self.iterations
        # Made before any case is read, which can take a while, so that an option that does not fit is told at once.
        config = TrainingConfig(
            labelled=self.labelled,
            unlabelled=self._unlabelled(dataset),
            validation=self.validation,
            preset=self.preset,
            without=self.without,
            weights=self.weights,
            iterations=iterations,
            spacing=self.spacing,
            patch=self.patch or _ANY_PATCH,
            batch=preset.batch if self.batch is None else self.batch,
            width=self.width,
            seed=self.seed,
            validate_every=max(1, iterations // 10) if self.validate_every is None else self.validate_every,
            name=self.name or dataset.name,
            dropout=self._dropout(),
        )
        fingerprint = take_fingerprint(dataset, self.labelled)
        if self.spacing is not None:
            fingerprint = fingerprint.at_spacing(self.spacing)
        return fingerprint, replace(
            config,
            spacing=fingerprint.preprocessing.spacing,
            patch=self.patch or default_patch(fingerprint.median_shape),
        )

    def _dropout(self) -> float:
        # Half of 8 feature maps is too little to learn from: with it the compact pair needed nearly twice the steps on the left
        # atrium, and did not find all structures of cine MR.
        if self.dropout is not None:
            return self.dropout
        return PUBLISHED_DROPOUT if self.width >= FULL_WIDTH else 0.0

    def _unlabelled(self, dataset: Dataset) -> tuple[str, ...]:
        known = {*self.labelled, *self.validation}
        if self.unlabelled is None:
            return tuple(case for case in dataset.cases() if case not in known)
        dataset.check_cases(self.unlabelled, labelled=False, where="The list of unlabelled cases")
        rest = tuple(case for case in self.unlabelled if case not in known)
        if self.unlabelled and not rest:
            raise DatasetError(
                "The list of unlabelled cases holds only labelled and validation cases: leave it out, or name other cases.",
                command_line="--unlabelled",
            )
        return rest
