"""Runs and cases as training would leave them, made up from phantoms and known errors."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import ndimage

from dualssl.evaluation.case import evaluate_case
from dualssl.evaluation.evaluate import Evaluation
from dualssl.files import write_json
from dualssl.geometry import Geometry
from dualssl.labels import Label, LabelTable
from dualssl.model.manifest import Manifest, NetworkSpec, Postprocessing, Preprocessing
from dualssl.phantoms.case import generate_case
from dualssl.phantoms.settings import PhantomSettings
from dualssl.prediction.results import Prediction, Seconds
from dualssl.report.contents import ReportCase, ReportRun
from dualssl.review.regions import find_regions

SHAPE = (28, 34, 34)
SPACING = (3.0, 2.6, 2.6)


SCORED = ("v1", "v2", "v3", "v4", "v5", "v6")


def write_run_folder(folder, dice, preset="strong", without=(), seed=1, model="model", **settings):
    """A run folder as training and `dualssl evaluate` leave it, without weights; `dice` of each case in `SCORED`."""
    configs = folder / "model" / "configs"
    configs.mkdir(parents=True)
    labels = label_table("left atrium")
    manifest = Manifest(model, "M", labels, ("MRI",), NetworkSpec(width=8), Preprocessing(), Postprocessing(), (16, 16, 16))
    provenance = {"device": "cpu, 1 threads", "hours": 0.25}
    write_json(configs / "dualssl.json", replace(manifest, provenance=provenance).to_json())
    asked = {
        "labelled": ["a", "b"],
        "unlabelled": ["c", "d", "e"],
        "validation": list(SCORED),
        "preset": preset,
        "without": list(without),
        "weights": [],
        "iterations": 1000,
        "spacing": [2.0, 2.0, 2.0],
        "patch": [32, 48, 48],
        "batch": 4,
        "width": 8,
        "seed": seed,
        "validate_every": 250,
        "name": "M",
        "dropout": 0.0,
        "processes": 1,
    }
    write_json(folder / "run.json", asked | settings)
    records = [{"iteration": 10, "kind": "train", "loss": 1.0}]
    for step in (250, 500, 1000):
        now = float(np.mean(dice)) * (0.8 + 0.2 * step / 1000)
        records.append({"iteration": step, "kind": "validation", "dice": now, "dice_a": now - 0.01, "dice_b": now - 0.02})
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(r)}\n" for r in records))
    others = {"jaccard": 0.7, "hd95": 9.0, "assd": 2.0}
    scores = {key: {"dice": float(np.mean(dice)) - less, **others} for key, less in SEGMENTATIONS.items()}
    cases = [{"case": name, "dice": float(value), **others} for name, value in zip(SCORED, dice, strict=True)]
    write_json(folder / "evaluation.json", {"model": model, "dataset": "D", "cases": cases, **scores})
    return folder


SEGMENTATIONS = {"mean": 0.0, "network_a": 0.01, "network_b": 0.02}


@pytest.fixture(scope="session")
def run_folder():
    return write_run_folder


def label_table(*names: str) -> LabelTable:
    return LabelTable(tuple(Label.named(name, value) for value, name in enumerate(names, 1)))


def prediction_from(probability_a, probability_b, geometry: Geometry, keep_confidence: bool = True) -> Prediction:
    """What a predictor would give for the two networks' class probabilities (C, k, j, i)."""
    mean = (probability_a + probability_b) / 2
    tiny = 1e-6
    entropy = -(mean * np.log(mean + tiny)).sum(0) / np.log(len(mean))
    ratio = np.log(probability_a + tiny) - np.log(probability_b + tiny)
    kl = ((probability_a - probability_b) * ratio).sum(0) / 2
    return Prediction(
        geometry=geometry,
        label=mean.argmax(0).astype(np.uint8),
        label_a=probability_a.argmax(0).astype(np.uint8),
        label_b=probability_b.argmax(0).astype(np.uint8),
        entropy=np.clip(entropy, 0, 1).astype(np.float32),
        kl=np.maximum(kl, 0).astype(np.float32),
        js=np.clip(kl / 4, 0, 1).astype(np.float32),
        seconds=Seconds(0.1, 1.0, 0.1),
        device="cpu",
        windows=8,
        window=(16, 16, 16),
        confidence=mean.max(0).astype(np.float32) if keep_confidence else None,
    )


def blurred_networks(truth, classes: int, shift: float, seed: int):
    """Probabilities (2, C, k, j, i) of two networks that see the truth out of focus and each with errors of its own."""
    rng = np.random.default_rng(seed)
    probabilities = []
    for network in range(2):
        wobble = ndimage.gaussian_filter(rng.normal(size=truth.shape), 2.5)
        wobble *= shift / wobble.std()
        logits = []
        for value in range(classes):
            soft = ndimage.gaussian_filter((truth == value).astype(float), 1.0 + 0.4 * network)
            logits.append(8 * soft + (wobble if value else -wobble))
        raised = np.exp(np.stack(logits))
        probabilities.append(raised / raised.sum(0))
    return probabilities


@dataclass(frozen=True)
class Story:
    """A dataset of phantoms, and runs of rising quality on it."""

    runs: list[ReportRun]
    cases: list[ReportCase]


def tell(
    names=("supervised", "strong"),
    cases: int = 3,
    structures: int = 2,
    shape=SHAPE,
    spacing=SPACING,
    case_name=None,
    examples=2,
) -> Story:
    settings = PhantomSettings(shape=shape, spacing=spacing, structures=structures, seed=3)
    labels = settings.labels
    phantoms = [generate_case(settings, index) for index in range(cases)]
    runs, shown = [], []
    for number, name in enumerate(names):
        found = []
        for index, phantom in enumerate(phantoms):
            truth = phantom.label_map.array
            a, b = blurred_networks(truth, labels.channels, 1.5 - 0.8 * number / max(len(names) - 1, 1), 10 * index)
            prediction = prediction_from(a, b, phantom.image.geometry)
            title = case_name if case_name and index == 0 else phantom.name
            found.append(evaluate_case(title, prediction, truth, labels))
            if number == len(names) - 1 and index < examples:
                regions = find_regions(prediction.entropy, prediction.kl, prediction.label, phantom.image.geometry)
                shown.append(ReportCase(title, phantom.image, truth, prediction, regions, name))
        runs.append(
            ReportRun(
                name, f"preset {name}", manifest(labels, f"model-{number}"), Evaluation(tuple(found)), records(number), 75.0
            )
        )
    return Story(runs, shown)


def manifest(labels: LabelTable, identity: str) -> Manifest:
    return Manifest(
        id=identity,
        name="phantoms",
        labels=labels,
        channel_names=("MRI",),
        networks=NetworkSpec(classes=labels.channels),
        preprocessing=Preprocessing(),
        postprocessing=Postprocessing(),
        patch=(16, 16, 16),
    )


def records(number: int):
    rng = np.random.default_rng(number)
    listed = []
    for n in range(10, 401, 10):
        loss = 1.4 * np.exp(-n / (150 - 30 * number)) + 0.2 + 0.05 * rng.normal()
        listed.append({"iteration": n, "kind": "train", "loss": float(loss), "lr": 0.01, "seconds": 0.2})
        if n % 50 == 0:
            dice = (0.75 + 0.08 * number) * (1 - np.exp(-n / 120))
            listed.append(
                {
                    "iteration": n,
                    "kind": "validation",
                    "dice": dice,
                    "dice_a": dice,
                    "dice_b": dice,
                    "agreement": 0.9,
                    "cases": 3,
                }
            )
    return listed


@pytest.fixture(scope="session")
def two_runs_on_three_phantoms() -> Story:
    return tell()
