"""`evaluate`: a model against the labels of a dataset or a library."""

from __future__ import annotations

from typing import Any

from dualssl.cases import CaseLibrary
from dualssl.dataset import Dataset, read_dataset
from dualssl.evaluation.case import CaseEvaluation
from dualssl.evaluation.evaluate import evaluate_model
from dualssl.prediction.predictor import PredictionSettings
from dualssl.worker.device_names import device_parameter
from dualssl.worker.protocol import Code
from dualssl.worker.requests import Params, RequestError
from dualssl.worker.task import Stage, Task


def evaluate(task: Task, params: Params) -> dict[str, Any]:
    """Score a model: `model`, `dataset` or `library` (one of them), `cases` (all that have labels without it), `device`.

    Returns:
        What `dualssl evaluate` writes: `model`, `dataset` and all of `Evaluation.to_json`.
    """
    model, device, asked = params.path("model"), device_parameter(params), params.texts("cases")
    dataset, known = _dataset(params)
    params.end()
    cases = known if asked is None else asked
    dataset.check_cases(cases, labelled=True, where="The evaluation")
    task.tell("Loading the model")
    loaded = task.networks.load(model, PredictionSettings(), device)
    scored = Stage(task, "Scoring")

    def show(done: int, case: CaseEvaluation) -> None:
        scored.tell(done, len(cases), f"{case.name}: Dice {100 * case.scores['mean'].mean.dice:.2f}")

    evaluation = evaluate_model(loaded.predictor, dataset, cases, show)
    return {"model": loaded.predictor.manifest.id, "dataset": dataset.name, **evaluation.to_json()}


def _dataset(params: Params) -> tuple[Dataset, tuple[str, ...]]:
    """Where the cases are, and the names of all that can be scored."""
    folder, library = params.optional_path("dataset"), params.optional_path("library")
    if (folder is None) == (library is None):
        raise RequestError(Code.invalid_params, "'dataset' or 'library' must be given, and not both.")
    if library is not None:
        with CaseLibrary.open(library) as opened:
            found = opened.as_dataset()
        return found, found.labelled_cases()
    assert folder is not None
    dataset = read_dataset(folder)
    return dataset, dataset.cases()
