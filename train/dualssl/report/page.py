"""The report: one HTML file that stands on its own, on screen and on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dualssl.files import atomic_write
from dualssl.report.contents import NEXT_STEPS, Command
from dualssl.report.markup import figure, page, paragraph, section, text
from dualssl.report.pictures import Pictures, make_pictures
from dualssl.report.tables import (
    calibration_table,
    results_table,
    runs_table,
    settings_table,
    structures_table,
    uncertainty_table,
)
from dualssl.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dualssl.report.contents import ReportCase, ReportRun

_MEANINGS = (
    (
        "Entropy",
        "High where the image leaves it open to which structure a voxel belongs, such as at a blurred border; 0 is "
        "certain, 1 is a toss-up.",
    ),
    (
        "KL and Jensen-Shannon divergence",
        "High where the two networks contradict each other; each may be sure of itself, so entropy alone can miss it.",
    ),
    (
        "AUROC",
        "Of a wrong and a right voxel, how often the map gives the wrong one the higher value: 50 % is chance, 100 % perfect.",
    ),
    (
        "AUPRC",
        "Go down the list of voxels, the most uncertain first: the share of wrong ones on the way, on average. Chance is "
        "the share of wrong voxels.",
    ),
    (
        "Errors in the top 5 %",
        "Look only at the most uncertain twentieth of the voxels in and around the segmentation: the share of all errors "
        "you have seen.",
    ),
    (
        "ECE",
        "How far the networks' confidence is from the share of voxels they get right: 0 % means that a confidence of 90 % "
        "is right nine times in ten.",
    ),
    (
        "Rank",
        "Whether the order of cases by uncertainty is the order by Dice: \N{MINUS SIGN}1 is perfect for entropy and KL, +1 "
        "for the agreement of network A with B, 0 is no relation.",
    ),
)


def write_report(
    path: Path,
    title: str,
    runs: Sequence[ReportRun],
    cases: Sequence[ReportCase],
    settings: Mapping[str, object],
    commands: Sequence[Command] = NEXT_STEPS,
) -> None:
    """Write the report, whole or not at all.

    Args:
        path: of the HTML file; its folder is made if missing.
        title: of the page.
        runs: at least one; the first is what the others are compared with.
        cases: two or three to show; may be empty.
        settings: what was done, name by name; lists are joined by commas.
        commands: how to go on.

    Raises:
        OutputError: matplotlib is not installed, or the file cannot be written.
        ValueError: there is no run.
    """
    html = page(
        title,
        _sections(runs, make_pictures(runs, cases), settings, commands),
        f"Written by dualssl {__version__}. For research; not a medical device.",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        temporary.write_text(html, encoding="utf-8", newline="\n")


def summary(runs: Sequence[ReportRun]) -> str:
    """The outcome in a sentence or two: the run of the highest mean Dice, and the first for comparison."""
    dice = [100 * run.evaluation.mean().dice for run in runs]
    best = dice.index(max(dice))
    count = len(runs[best].evaluation.cases)
    text = (
        f"On {count} {'case' if count == 1 else 'cases'} not used for training, “{runs[best].name}” reaches a mean Dice of "
        f"{dice[best]:.2f} %"
    )
    if len(runs) == 1:
        return f"{text}."
    if best == 0:
        return f"{text}; no other run reaches more."
    return f"{text}, {dice[best] - dice[0]:.2f} points more than “{runs[0].name}” ({dice[0]:.2f} %)."


def _sections(
    runs: Sequence[ReportRun], pictures: Pictures, settings: Mapping[str, object], commands: Sequence[Command]
) -> list[str]:
    parts = [
        paragraph(summary(runs)),
        section("What was done", [runs_table(runs), *([settings_table(settings)] if settings else [])]),
        section("Results", [results_table(runs), structures_table(runs), figure(pictures.dice)]),
        section("Learning", [figure(pictures.learning)]),
    ]
    if pictures.cases:
        words = (
            "Each row is one slice. From left to right: the image; outlines of the segmentation; where the prediction is "
            "open (entropy); where the two networks disagree (KL divergence); and the regions a reader should check first: "
            "“ambiguous” where the image leaves it open, “conflict” where the networks contradict each other."
        )
        parts.append(section("Example cases", [paragraph(words), *(figure(picture, "wide") for picture in pictures.cases)]))
    parts.append(section("Does the uncertainty find the errors?", _uncertainty(runs, pictures)))
    if commands:
        parts.append(
            section("How to go on", [f"{paragraph(c.purpose + ':')}<pre><code>{text(c.line)}</code></pre>" for c in commands])
        )
    return parts


def _uncertainty(runs: Sequence[ReportRun], pictures: Pictures) -> list[str]:
    meanings = "\n".join(f"<dt>{text(word)}</dt><dd>{text(meaning)}</dd>" for word, meaning in _MEANINGS)
    parts = [
        paragraph("A map of uncertainty is worth something if the voxels it marks are those that are wrong."),
        uncertainty_table(runs),
        calibration_table(runs),
        f"<dl>\n{meanings}\n</dl>",
    ]
    for run, review, reliability in zip(runs, pictures.review, pictures.reliability, strict=True):
        plates = figure(review, "broad") + ("" if reliability is None else figure(reliability))
        parts.append(f'<div class="group"><h3>{text(run.name)}</h3>\n<div class="pair">{plates}</div></div>')
    return parts
