"""`predict_library`: the waiting cases of a library, one after the other, each kept as soon as it is done."""

from __future__ import annotations

from typing import Any

from dualssl.cases import CaseLibrary
from dualssl.library_prediction import ALL, WAITING, CaseProgress, check_model_fits
from dualssl.library_prediction import predict_library as predict_cases
from dualssl.model.integrity import read_manifest
from dualssl.prediction.predictor import PredictionSettings
from dualssl.worker.device_names import device_parameter
from dualssl.worker.jobs.predict import overlap_parameter
from dualssl.worker.requests import Params
from dualssl.worker.task import Stage, Task


def predict_library(task: Task, params: Params) -> dict[str, Any]:
    """Predict cases of a library: `library`, `model`, `device`, `all` (also what has a prediction), `overlap`.

    A cancel ends it within a window; what was finished is kept.

    Returns:
        `predicted` and `left_out` (names), `failed` (`case` and `error` of each), `model_id`, `device`.
    """
    folder, model, device = params.path("library"), params.path("model"), device_parameter(params)
    states = ALL if params.flag("all", False) else WAITING
    settings = PredictionSettings(overlap=overlap_parameter(params))
    params.end()
    with CaseLibrary.open(folder) as library:
        # Before the networks are loaded.
        check_model_fits(library, read_manifest(model))
        task.tell("Loading the model")
        loaded = task.networks.load(model, settings, device)
        cases = Stage(task, "Segmenting the library")

        def show(progress: CaseProgress) -> None:
            note = "" if progress.error is None else f"{progress.name} was not predicted: {progress.error}"
            cases.tell(progress.done, progress.total, note)

        report = predict_cases(library, loaded.predictor, loaded.sha256, states, show)
    return {
        "predicted": list(report.predicted),
        "failed": [{"case": name, "error": str(error)} for name, error in report.failed],
        "left_out": list(report.left_out),
        "model_id": loaded.predictor.manifest.id,
        "device": loaded.predictor.describe_device(),
    }
