"""The demonstration: what the method is for, end to end, on generated cases and two CPU cores.

A phantom dataset is made; the same few labelled cases train the pair once alone and once together with the unlabelled
cases; both models segment cases they have not seen; a report shows the figures and the pictures.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dualssl.case_files import read_case
from dualssl.dataset import Dataset, read_case_list, read_dataset
from dualssl.devices import DeviceChoice
from dualssl.errors import OutputError
from dualssl.evaluation.evaluate import evaluate_model
from dualssl.files import make_folder, write_json
from dualssl.model.folder import load_model
from dualssl.phantoms.dataset import write_phantom_dataset
from dualssl.phantoms.settings import PhantomSettings
from dualssl.prediction.output import write_prediction
from dualssl.prediction.predictor import PredictionSettings, Predictor
from dualssl.presets import preset_named
from dualssl.report import Command, ReportCase, ReportRun, save_pictures, write_report
from dualssl.review.regions import find_regions
from dualssl.training.progress import TrainingProgress
from dualssl.training.request import TrainingRequest
from dualssl.training.run import TrainingRun

LABELLED, VALIDATION = 1, 8
# One structure on a coarse grid, so that two cores learn it in minutes; noise and shape are what one case cannot teach.
# With two labelled cases, copy-paste among them under an EMA teacher came within 1.2 points of the run with unlabelled ones.
PHANTOMS = PhantomSettings(
    cases=32,
    shape=(36, 40, 40),
    spacing=(2.4, 2.2, 2.2),
    structures=1,
    variation=0.6,
    contrast_variation=0.4,
    noise=0.12,
    distractors=2,
)
PRESET = "strong"
RUNS: dict[str, tuple[str, ...]] = {
    "labelled only": ("unlabelled",),
    "semi-supervised": (),
}
"""Both runs follow one recipe: the same labelled cases, steps, augmentation, copy-paste (in the first run among the labelled
cases), EMA and terms. The unlabelled cases are the only difference."""

ITERATIONS = 400
WIDTH = 8
PATCH = (32, 32, 32)
_MARK = "demo.json"

OnStage = Callable[[str, TrainingProgress | None], None]


@dataclass(frozen=True)
class DemoResult:
    """What the demonstration leaves: the runs with their figures, and the page to open."""

    runs: tuple[ReportRun, ...]
    report: Path


def run_demo(folder: Path, device: DeviceChoice, seed: int, on_stage: OnStage) -> DemoResult:
    """Do it all in `folder`.

    Args:
        folder: new, empty, or of an earlier demonstration, which is then replaced.
        device: where to compute.
        seed: of the training runs.
        on_stage: told what is going on, with the progress of training where there is some.

    Raises:
        OutputError: the folder holds something else.
    """
    _claim(folder)
    on_stage(f"Generating {PHANTOMS.cases} phantom cases", None)
    phantoms = write_phantom_dataset(folder / "phantoms", PHANTOMS, LABELLED, VALIDATION)
    dataset = read_dataset(phantoms.folder)
    runs, predictors = [], []
    for name, without in RUNS.items():
        plan = TrainingRequest(
            labelled=read_case_list(str(phantoms.labelled), "labelled"),
            validation=read_case_list(str(phantoms.validation), "validation"),
            preset=PRESET,
            without=without,
            iterations=ITERATIONS,
            patch=PATCH,
            width=WIDTH,
            seed=seed,
            validate_every=ITERATIONS // 4,
            name=f"Phantom, {name}",
        )
        run, predictor = _train_and_score(dataset, plan, name, folder / _folder_name(name), device, on_stage)
        runs.append(run)
        predictors.append(predictor)
    on_stage("Writing predictions and the report", None)
    cases = _example_cases(dataset, runs[-1], predictors[-1], folder / "predictions")
    unlabelled = PHANTOMS.cases - LABELLED - VALIDATION
    settings = {
        "Cases": f"{LABELLED} labelled, {unlabelled} unlabelled, {VALIDATION} to score on, all generated",
        "Networks": f"V-Net and ResNet-34 encoder, base width {WIDTH}",
        "Recipe": f"preset '{PRESET}', {ITERATIONS} iterations",
        "Left out in 'labelled only'": "the unlabelled cases; copy-paste mixes the labelled ones with one another",
        "Seed": seed,
        "Device": runs[0].manifest.provenance["device"],
    }
    report = folder / "report.html"
    write_report(
        report, "What unlabelled cases are worth: a demonstration on phantoms", runs, cases, settings, _next_steps(folder)
    )
    save_pictures(folder / "pictures", runs, cases)
    return DemoResult(tuple(runs), report)


def _claim(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file: name a new folder for the demonstration with --output.")
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).is_file():
        raise OutputError(f"{folder} holds other files: name a new folder for the demonstration with --output.")
    make_folder(folder)
    write_json(folder / _MARK, {"what": "made by dualssl demo; the next demo replaces it"})


def _train_and_score(
    dataset: Dataset, request: TrainingRequest, name: str, folder: Path, device: DeviceChoice, on_stage: OnStage
) -> tuple[ReportRun, Predictor]:
    fingerprint, config = request.resolve(dataset)
    _remove_run(folder)
    began = time.monotonic()
    run = TrainingRun(dataset, fingerprint, config, folder, device, lambda progress: on_stage(f"Training, {name}", progress))
    model = run.execute()
    seconds = time.monotonic() - began
    networks, manifest = load_model(model)
    predictor = Predictor(networks, manifest, PredictionSettings(device=device))
    on_stage(f"Scoring, {name}", None)
    evaluation = evaluate_model(predictor, dataset, config.validation)
    write_json(folder / "evaluation.json", {"model": manifest.id, **evaluation.to_json()})
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    left_out = f"The same recipe without {', '.join(config.without)} cases."
    description = left_out if config.without else preset_named(config.preset).description
    return ReportRun(name, description, manifest, evaluation, [json.loads(line) for line in lines], seconds), predictor


def _folder_name(run: str) -> str:
    return run.replace(" ", "-")


def _remove_run(folder: Path) -> None:
    """Remove the run of an earlier demonstration."""
    if (folder / "run.json").is_file():
        shutil.rmtree(folder)


def _example_cases(dataset: Dataset, run: ReportRun, predictor: Predictor, folder: Path) -> list[ReportCase]:
    """The best, the middle and the worst case of a run, predicted again and written as files."""
    ranked = sorted(run.evaluation.cases, key=lambda case: case.scores["mean"].mean.dice, reverse=True)
    chosen = [ranked[0], ranked[len(ranked) // 2], ranked[-1]]
    examples = []
    for name in dict.fromkeys(case.name for case in chosen):
        images, truth = read_case(dataset, name, labelled=True)
        prediction = predictor.predict(images, keep_confidence=True)
        write_prediction(prediction, name, folder, predictor.manifest)
        regions = find_regions(prediction.entropy, prediction.kl, prediction.label, prediction.geometry)
        examples.append(ReportCase(name, images[0], truth.array, prediction, regions, run.name))
    return examples


def _next_steps(folder: Path) -> tuple[Command, ...]:
    model, data = folder / _folder_name("semi-supervised") / "model", folder / "phantoms"
    return (
        Command("Segment an image with the model trained here", f"dualssl predict {model} IMAGE.nrrd --output RESULTS"),
        Command("Score it again", f"dualssl evaluate {model} {data} --cases {data}/validation.txt --output figures.json"),
        Command(
            "Train on your own data",
            "dualssl train DATASET --labelled labelled.txt --validation validation.txt --preset strong --output RUN",
        ),
        Command("Check that a model folder is intact", f"dualssl models verify {model}"),
    )
