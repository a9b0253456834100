"""What the simulated reader did with one case: kept beside the library, and averaged over cases. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.files import write_json
from dualssl.learning_loop.reader import RegionRepair
from dualssl.learning_loop.records import damaged, read_object

if TYPE_CHECKING:
    from dualssl.learning_loop.reader import Reading

FOLDER = "reviews"


@dataclass(frozen=True)
class Review:
    """One case as it was reviewed.

    Attributes:
        case: its name.
        model: id of the model whose prediction was corrected.
        voxels_changed: by the reader.
        errors_before, errors_after: wrong voxels of the whole case.
        mended: number of regions that were mended.
        repairs: of each region that was followed.
        dice, errors_found: after 0, 1, ... regions, as in `Reading`.
    """

    case: str
    model: str
    voxels_changed: int
    errors_before: int
    errors_after: int
    mended: int
    repairs: tuple[RegionRepair, ...]
    dice: tuple[float, ...]
    errors_found: tuple[float, ...]

    @classmethod
    def of(cls, case: str, model: str, reading: Reading) -> Review:
        """The figures of a reading."""
        return cls(
            case=case,
            model=model,
            voxels_changed=int(np.count_nonzero(reading.edits)),
            errors_before=reading.errors_before,
            errors_after=reading.errors_after,
            mended=reading.mended,
            repairs=reading.repairs,
            dice=reading.dice,
            errors_found=reading.errors_found,
        )

    def write(self, path: Path) -> None:
        """Keep it.

        Raises:
            OutputError: the file cannot be written.
        """
        write_json(
            path,
            {
                "case": self.case,
                "model": self.model,
                "voxels_changed": self.voxels_changed,
                "errors_before": self.errors_before,
                "errors_after": self.errors_after,
                "mended": self.mended,
                "repairs": [repair.to_json() for repair in self.repairs],
                "dice": list(self.dice),
                "errors_found": list(self.errors_found),
            },
        )

    @classmethod
    def read(cls, path: Path) -> Review:
        """Inverse of `write`.

        Raises:
            TrainingError: the file is not there, or damaged.
        """
        data = read_object(path)
        try:
            return cls(
                case=str(data["case"]),
                model=str(data["model"]),
                voxels_changed=int(data["voxels_changed"]),
                errors_before=int(data["errors_before"]),
                errors_after=int(data["errors_after"]),
                mended=int(data["mended"]),
                repairs=tuple(RegionRepair.from_json(repair) for repair in data["repairs"]),
                dice=tuple(map(float, data["dice"])),
                errors_found=tuple(map(float, data["errors_found"])),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise damaged(path) from error


@dataclass(frozen=True)
class ReviewEfficiency:
    """Means over reviews.

    Attributes:
        cases: number of reviews, each of another case or of another model's prediction.
        mended: the number of regions that the reader mends.
        dice, errors_found: means after 0, 1, ... regions, 0..1; a case whose list is shorter stays as it was at its end.
        errors_in_regions: wrong voxels inside the mended regions (without margin) of all reviews.
        click_a, click_b: share of them by which always taking A, or always B, would lessen the errors there; below 0 where it
            would make more.
        click_best: share that the best of the three clicks for each region repairs: a person sees which one that is.
        best_choice: for each of `a`, `b` and `mean`, the number of mended regions with errors where it is best; the mean
            comes first, then A, among equals.
    """

    cases: int
    mended: int
    dice: tuple[float, ...]
    errors_found: tuple[float, ...]
    errors_in_regions: int
    click_a: float | None
    click_b: float | None
    click_best: float | None
    best_choice: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "reviews": self.cases,
            "regions_mended": self.mended,
            "dice": list(self.dice),
            "errors_found": list(self.errors_found),
            "errors_in_regions": self.errors_in_regions,
            "one_click": {"a": self.click_a, "b": self.click_b, "best": self.click_best},
            "best_choice": self.best_choice,
        }


def read_reviews(output: Path, orders: Sequence[str]) -> tuple[Review, ...]:
    """All reviews of a loop; one case reviewed twice with the same model counts once.

    Raises:
        TrainingError: one is damaged.
    """
    found: dict[tuple[str, str], Review] = {}
    for order in orders:
        # A leading dot marks what an interrupted write left.
        for path in sorted(path for path in (output / order / FOLDER).glob("*.json") if not path.name.startswith(".")):
            review = Review.read(path)
            found.setdefault((review.case, review.model), review)
    return tuple(found.values())


def review_efficiency(reviews: Sequence[Review], regions: int) -> ReviewEfficiency | None:
    """Average reviews of readers who mend so many regions; None where there is none."""
    if not reviews:
        return None
    repairs = [repair for review in reviews for repair in review.repairs[: review.mended]]
    inside = sum(repair.wrong_mean for repair in repairs)

    def share(repaired: int) -> float | None:
        return repaired / inside if inside else None

    return ReviewEfficiency(
        cases=len(reviews),
        mended=regions,
        dice=_mean([review.dice for review in reviews]),
        errors_found=_mean([review.errors_found for review in reviews]),
        errors_in_regions=inside,
        click_a=share(inside - sum(repair.wrong_a for repair in repairs)),
        click_b=share(inside - sum(repair.wrong_b for repair in repairs)),
        click_best=share(sum(repair.one_click for repair in repairs)),
        best_choice=_best_choices(repairs),
    )


def _mean(curves: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    length = max(len(curve) for curve in curves)
    padded = [curve + (curve[-1],) * (length - len(curve)) for curve in curves]
    return tuple(float(value) for value in np.mean(padded, axis=0))


def _best_choices(repairs: Sequence[RegionRepair]) -> dict[str, int]:
    counts = {"mean": 0, "a": 0, "b": 0}
    for repair in repairs:
        if repair.wrong_mean:
            left = {"mean": repair.wrong_mean, "a": repair.wrong_a, "b": repair.wrong_b}
            counts[min(left, key=lambda choice: left[choice])] += 1
    return counts
