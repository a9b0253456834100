"""A case that waits for a person, as far as its place in the worklist depends on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True)
class Candidate:
    """A predicted case; its scores are those of `dualssl.review.case_scores`, of which background padding changes none.

    Attributes:
        name: of the case; no two candidates of a list share one.
        group: whom it is from, e.g. the patient; cases of one group are alike.
        entropy: uncertainty around the predicted foreground in proportion to it.
        kl: divergence between the networks there in proportion to the foreground, nats.
        network_dice: Dice between the two networks' label maps, 0..1.
        features: the descriptor of the case (see `dualssl.prediction.features`); empty if it has none.
        segmented: whether the prediction holds any foreground.
    """

    name: str
    group: str
    entropy: float
    kl: float
    network_dice: float
    features: tuple[float, ...] = ()
    segmented: bool = True

    def __post_init__(self) -> None:
        if not all(isfinite(score) for score in (self.entropy, self.kl, self.network_dice)):
            raise ValueError(f"a score of the case '{self.name}' is not finite")
        if not all(isfinite(feature) for feature in self.features):
            raise ValueError(f"a feature of the case '{self.name}' is not finite")

    @property
    def agreement(self) -> float:
        """Dice between the networks, but 0 where nothing was segmented: to find nothing together is no reason for trust."""
        return self.network_dice if self.segmented else 0.0

    @classmethod
    def from_scores(
        cls, name: str, group: str | None, scores: Mapping[str, float], features: Sequence[float] = ()
    ) -> Candidate:
        """A candidate from the scores that were stored with its prediction.

        Args:
            name: of the case.
            group: None stands for the name itself.
            scores: what `CaseScores.to_json` gives; `foreground_voxels` may be missing.
            features: the stored descriptor.

        Raises:
            ValueError: a score is missing or not a finite number.
        """
        try:
            entropy, kl, network_dice = (float(scores[key]) for key in ("entropy", "kl", "network_dice"))
            segmented = float(scores.get("foreground_voxels", 1)) > 0
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"a score of the case '{name}' is missing or no number ({error})") from error
        return cls(name, group or name, entropy, kl, network_dice, tuple(float(f) for f in features), segmented)
