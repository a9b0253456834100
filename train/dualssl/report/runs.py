"""Finished training runs as their folders tell them: settings, learning curve, figures of `dualssl evaluate`. No torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from dualssl.errors import TrainingError
from dualssl.model.integrity import read_manifest
from dualssl.plain_data import finite_number, plain

SETTINGS, METRICS, EVALUATION, MODEL = "run.json", "metrics.jsonl", "evaluation.json", "model"
SEGMENTATIONS = ("mean", "network_a", "network_b")
FIGURES = ("dice", "jaccard", "hd95", "assd")

Read = TypeVar("Read")


@dataclass(frozen=True)
class Variant:
    """A recipe apart from its seed.

    Attributes:
        preset: its name.
        without: parts that were left out.
        weights: weights of terms that were set otherwise, as TERM=WEIGHT.
    """

    preset: str
    without: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()

    @property
    def full(self) -> Variant:
        """The preset as it is."""
        return Variant(self.preset)

    def __str__(self) -> str:
        changes = [f"without {part}" for part in self.without] + [f"with {weight}" for weight in self.weights]
        return f"{self.preset} {', '.join(changes)}".rstrip()


@dataclass(frozen=True)
class Budget:
    """What runs must have in common to be compared.

    Attributes:
        iterations, width: as in the settings of a run.
        spacing: mm along (k, j, i).
        patch: voxels along (k, j, i).
        labelled: names of the labelled cases.
        scored: names of the cases that were scored.
    """

    iterations: int
    width: int
    spacing: tuple[float, ...]
    patch: tuple[int, ...]
    labelled: tuple[str, ...]
    scored: tuple[str, ...]


@dataclass(frozen=True)
class CurvePoint:
    """Validation in the course of a run: Dice, 0..1, of the mean and of each network, on the networks' grid."""

    iteration: int
    dice: float
    dice_a: float
    dice_b: float


@dataclass(frozen=True)
class FinishedRun:
    """A run that was trained to its end and scored.

    Attributes:
        name: of its folder.
        variant: what was trained.
        seed: of the run.
        budget: what it shares with those it is compared with.
        unlabelled: number of unlabelled cases.
        batch: patches of a step.
        device: in words.
        hours: of training; None where it was not recorded.
        model: id.
        scores: by segmentation and figure, means over the cases; Dice and Jaccard 0..1, HD95 and ASSD mm.
        dice_by_case: of the mean of both networks, 0..1.
        curve: validation in its course, the oldest first.
    """

    name: str
    variant: Variant
    seed: int
    budget: Budget
    unlabelled: int
    batch: int
    device: str
    hours: float | None
    model: str
    scores: dict[str, dict[str, float]]
    dice_by_case: dict[str, float]
    curve: tuple[CurvePoint, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data; of the budget only what tells runs apart, for the names of cases are those of `dice_by_case`."""
        data = dict(plain(asdict(self)))
        budget = data.pop("budget")
        shared = {key: budget[key] for key in ("iterations", "width", "spacing", "patch")}
        return {
            "name": data.pop("name"),
            "preset": self.variant.preset,
            "without": list(self.variant.without),
            "weights": list(self.variant.weights),
            "labelled": len(self.budget.labelled),
            **shared,
            **{key: value for key, value in data.items() if key != "variant"},
        }


def is_scored(folder: Path) -> bool:
    """Whether the run in a folder was trained to its end and evaluated."""
    return (folder / MODEL).is_dir() and (folder / EVALUATION).is_file()


def read_run(folder: Path) -> FinishedRun:
    """Read a finished run.

    Raises:
        TrainingError: a file is missing or is not what training and evaluation write, or the evaluation is of another model.
        ModelError: its model folder cannot be read.
    """
    manifest = read_manifest(folder / MODEL)
    settings = _read(folder / SETTINGS, lambda text: dict(json.loads(text)))
    evaluation = _read(folder / EVALUATION, lambda text: dict(json.loads(text)))
    curve = _read(folder / METRICS, _curve)
    try:
        if evaluation["model"] != manifest.id:
            raise ValueError(f"it is of model {evaluation['model']}, not of {manifest.id}")
        dice = {str(case["case"]): finite_number(case["dice"]) for case in evaluation["cases"]}
        scores = {key: {figure: finite_number(evaluation[key][figure]) for figure in FIGURES} for key in SEGMENTATIONS}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unusable(folder / EVALUATION, error) from error
    try:
        return FinishedRun(
            name=folder.absolute().name,
            variant=Variant(str(settings["preset"]), _texts(settings["without"]), _texts(settings["weights"])),
            seed=int(settings["seed"]),
            budget=Budget(
                iterations=int(settings["iterations"]),
                width=int(settings["width"]),
                spacing=tuple(float(v) for v in settings["spacing"] or ()),
                patch=tuple(int(v) for v in settings["patch"]),
                labelled=_texts(settings["labelled"]),
                scored=tuple(dice),
            ),
            unlabelled=len(settings["unlabelled"]),
            batch=int(settings["batch"]),
            device=str(manifest.provenance.get("device", "")),
            hours=manifest.provenance.get("hours"),
            model=manifest.id,
            scores=scores,
            dice_by_case=dice,
            curve=curve,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unusable(folder / SETTINGS, error) from error


def _read(path: Path, parse: Callable[[str], Read]) -> Read:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> TrainingError:
    return TrainingError(f"{path} cannot be used ({error}): let the run end, and write it anew with 'dualssl evaluate'.")


def _curve(text: str) -> tuple[CurvePoint, ...]:
    records = [json.loads(line) for line in text.splitlines()]
    return tuple(
        CurvePoint(int(r["iteration"]), *(finite_number(r[key]) for key in ("dice", "dice_a", "dice_b")))
        for r in records
        if r["kind"] == "validation"
    )


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
