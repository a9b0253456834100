"""The report's figures as PNG files, each with what a reader who cannot see it, or is new to it, needs to know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dualssl.files import atomic_write
from dualssl.metrics.overlap import dice
from dualssl.report.curves import dice_figure, learning_figure, points_of, reliability_figure, review_figure
from dualssl.report.figures import png_bytes
from dualssl.report.slices import shown_regions, slice_figure
from dualssl.report.views import SliceView, telling_view
from dualssl.review.regions import region_label_map

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from dualssl.labels import LabelTable
    from dualssl.report.contents import ReportCase, ReportRun

_PLANE_WORDS = {
    "axial": "axial slice, seen from the feet: the patient's right is on the left, the front on top",
    "coronal": "coronal slice, seen from the front: the patient's right is on the left, the head on top",
    "sagittal": "sagittal slice: the patient's front is on the left, the head on top",
}


@dataclass(frozen=True)
class Picture:
    """A figure ready for a page.

    Attributes:
        stem: file name without suffix.
        png: the file.
        alt: what it shows, in place of it.
        caption: what to see in it.
        size: width and height on a page in CSS pixels, fewer than the file has.
    """

    stem: str
    png: bytes
    alt: str
    caption: str
    size: tuple[int, int]

    @classmethod
    def of(cls, figure: Figure, stem: str, alt: str, caption: str) -> Picture:
        """Render `figure`."""
        width, height = figure.get_size_inches()
        return cls(stem, png_bytes(figure), alt, caption, (round(96 * width), round(96 * height)))


@dataclass(frozen=True)
class Pictures:
    """Every picture of a report; those of runs in the runs' order."""

    learning: Picture
    dice: Picture
    cases: tuple[Picture, ...]
    review: tuple[Picture, ...]
    reliability: tuple[Picture | None, ...]

    def all(self) -> list[Picture]:
        """All of them."""
        known = [picture for picture in self.reliability if picture is not None]
        return [self.learning, self.dice, *self.cases, *self.review, *known]


def make_pictures(runs: Sequence[ReportRun], cases: Sequence[ReportCase]) -> Pictures:
    """Draw everything.

    Raises:
        OutputError: matplotlib is not installed.
        ValueError: there is no run.
    """
    if not runs:
        raise ValueError("a report needs at least one run")
    labels = {run.name: run.manifest.labels for run in runs}
    stems = _stems([run.name for run in runs])
    return Pictures(
        learning=_learning(runs),
        dice=_dice(runs),
        cases=tuple(_case(number, case, labels.get(case.run, runs[0].manifest.labels)) for number, case in enumerate(cases, 1)),
        review=tuple(_review(run, stem) for run, stem in zip(runs, stems, strict=True)),
        reliability=tuple(_reliability(run, stem) for run, stem in zip(runs, stems, strict=True)),
    )


def save_pictures(folder: Path, runs: Sequence[ReportRun], cases: Sequence[ReportCase]) -> list[Path]:
    """Write the report's figures as PNG files.

    They are `learning.png`, `dice.png`, `case_1.png` ..., and for each run `review_RUN.png` and, where there are
    confidences, `reliability_RUN.png`, RUN being its name in lower-case letters, digits and `_`.

    Args:
        folder: made if missing; files of those names are replaced.
        runs: at least one.
        cases: examples, may be empty.

    Raises:
        OutputError: matplotlib is not installed, or a file cannot be written.
        ValueError: there is no run.
    """
    pictures = make_pictures(runs, cases)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for picture in pictures.all():
        path = folder / f"{picture.stem}.png"
        with atomic_write(path) as temporary:
            temporary.write_bytes(picture.png)
        written.append(path)
    return written


def _stems(names: Sequence[str]) -> list[str]:
    stems: list[str] = []
    for number, name in enumerate(names, 1):
        stem = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "run"
        stems.append(f"{stem}_{number}" if stem in stems else stem)
    return stems


def _learning(runs: Sequence[ReportRun]) -> Picture:
    ends = []
    for run in runs:
        points = points_of(run.records, "validation", "dice")
        if points:
            ends.append(f"{run.name} ends at {100 * points[-1][1]:.1f} % after {points[-1][0]} iterations")
    return Picture.of(
        learning_figure(runs),
        "learning",
        f"Two line charts against iterations: validation Dice and training loss. {'; '.join(ends) or 'None recorded'}.",
        "Left: Dice on the validation cases while training goes on; higher is better. Right: the loss that training makes "
        "smaller. Runs add up different terms, so compare the shape of their losses, not the height.",
    )


def _dice(runs: Sequence[ReportRun]) -> Picture:
    means = [f"{run.name} {100 * run.evaluation.mean().dice:.1f} %" for run in runs]
    return Picture.of(
        dice_figure(runs),
        "dice",
        f"Dot chart of the Dice of every case, one column a run. Means: {'; '.join(means)}.",
        "Each dot is a case, each black bar the mean of a run. Grey lines join the dots of one case: a line that rises is "
        "a case that the run on the right does better.",
    )


def _case(number: int, case: ReportCase, labels: LabelTable) -> Picture:
    view = telling_view(case)
    words = f"{case.name}, {_PLANE_WORDS[view.plane]}."
    model = f"Segmented by “{case.run}”." if case.run else ""
    return Picture.of(
        slice_figure(case, labels, view),
        f"case_{number}",
        f"Five pictures of {words} Image; outlines of the segmentation{'' if case.truth is None else ' and the truth'}; "
        "entropy; divergence of the networks; regions to check.",
        " ".join(filter(None, (words, model, _slice_choice(case), _accuracy(case, labels), _findings(case, view)))),
    )


def _slice_choice(case: ReportCase) -> str:
    if case.truth is not None and np.any(case.truth != case.prediction.label):
        return "Shown is the slice with the most wrong voxels, the worst of the case."
    if len(case.regions):
        return "Shown is the slice through the first region to check."
    if case.prediction.label.any():
        return "Shown is the slice with the most of what was segmented."
    return "Nothing was segmented; shown is the middle slice."


def _accuracy(case: ReportCase, labels: LabelTable) -> str:
    if case.truth is None:
        return "The truth is not known."
    truth, found = case.truth, case.prediction.label
    values = [dice(found == label.value, truth == label.value) for label in labels]
    each = (
        "" if len(values) == 1 else f" ({', '.join(f'{n} {100 * v:.1f} %' for n, v in zip(labels.names, values, strict=True))})"
    )
    return f"Dice in the whole case: {100 * float(np.mean(values)):.1f} %{each}."


def _findings(case: ReportCase, view: SliceView) -> str:
    """What the last panel shows, and how much of what is wrong it covers."""
    shown = shown_regions(case, view)
    total = len(case.regions)
    if not total:
        return "No region of the case is uncertain enough to be checked."
    text = f"The case has {total} {'region' if total == 1 else 'regions'} to check, numbered by importance"
    if not shown:
        return f"{text}; none of them meets this slice."
    text += f"; outlined {'is' if len(shown) == 1 else 'are'} {', '.join(str(r.id) for r in shown)}"
    if case.truth is None:
        return f"{text}."
    wrong = view.of(case.prediction.label) != view.of(case.truth)
    if not wrong.any():
        return f"{text}."
    covered = np.isin(view.of(region_label_map(case.regions)), [r.id for r in shown])
    return f"{text}. In this slice they hold {100 * float(covered[wrong].mean()):.0f} % of the wrong voxels."


def _review(run: ReportRun, stem: str) -> Picture:
    uncertainty = run.evaluation.uncertainty()
    curve = uncertainty["maps"]["entropy"]["review_curve"]
    share = np.interp(0.1, curve["fractions"], curve["by_uncertainty"]["errors_found"])
    chance = np.interp(0.1, curve["fractions"], curve["random"]["errors_found"])
    return Picture.of(
        review_figure(uncertainty),
        f"review_{stem}",
        f"{run.name}: two line charts against the share of voxels reviewed: Dice after correction and errors found, for "
        "review by entropy, by KL divergence, in no order, and of errors first.",
        f"{run.name}: what a reader gains who corrects the most uncertain voxels first. After 10 % of the voxels in and "
        f"around the segmentation, the order by entropy has found {100 * share:.0f} % of all errors, no order "
        f"{100 * chance:.0f} %.",
    )


def _reliability(run: ReportRun, stem: str) -> Picture | None:
    calibration = run.evaluation.uncertainty()["calibration"]
    if calibration["ece"] is None:
        return None
    return Picture.of(
        reliability_figure(calibration),
        f"reliability_{stem}",
        f"{run.name}: share of right voxels against confidence; calibration error {100 * calibration['ece']:.1f} %.",
        f"{run.name}: below the diagonal the networks are surer than they should be, above it less sure. "
        f"The mean distance from it is {100 * calibration['ece']:.1f} %.",
    )
