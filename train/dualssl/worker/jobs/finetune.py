"""`finetune`: training that goes on from corrected cases, with the proof that it helped."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from dualssl.cases import CaseLibrary
from dualssl.dataset import read_dataset
from dualssl.errors import TrainingError
from dualssl.finetune.job import FineTuneJob, FineTuneOutcome, JobOptions
from dualssl.finetune.plan import FineTuneSettings
from dualssl.finetune.request import FineTuneRequest
from dualssl.model.integrity import verify_model
from dualssl.registry.compare import CaseSet
from dualssl.registry.versions import ModelRegistry, is_registry
from dualssl.training.progress import TrainingProgress
from dualssl.worker.device_names import chosen_device, device_parameter
from dualssl.worker.jobs.registry import version_json
from dualssl.worker.networks import release_memory
from dualssl.worker.protocol import Code
from dualssl.worker.requests import Params, RequestError, finite_number
from dualssl.worker.task import Task


def finetune(task: Task, params: Params) -> dict[str, Any]:
    """Fine-tune a model on a library's corrected cases.

    `model`, `library`, `output`; `device`, `registry` (made, and the model added, where they are not there), `cases`,
    `validation`, `replay`, `replay_cases`, `reference`, `reference_cases`, `settings` (fields of `FineTuneSettings`), `prove`,
    `resume`. A cancel keeps the checkpoint.

    Returns:
        `model` (folder), `verdict`, `version` (as `registry` lists it), `notes`, `proof`.
    """
    library = params.path("library")
    with CaseLibrary.open(library) as opened:
        request = _request(params, opened)
        options = _options(params)
        params.end()
        # Training needs the memory that warm networks hold.
        task.networks.forget()
        job = FineTuneJob(opened, request, options, lambda *told: _show(task, *told), task.cancelled)
        if options.registry is not None:
            _admit(options.registry, request)
        try:
            outcome = job.run()
        finally:
            del job
            release_memory()
    return _result(outcome, options.registry)


def _request(params: Params, library: CaseLibrary) -> FineTuneRequest:
    replay = params.optional_path("replay")
    return FineTuneRequest(
        model=params.path("model"),
        library=library.as_dataset(),
        cases=params.texts("cases"),
        validation=params.texts("validation") or (),
        replay=None if replay is None else read_dataset(replay),
        replay_cases=params.texts("replay_cases"),
        settings=_settings(params.object("settings") or {}),
    )


def _options(params: Params) -> JobOptions:
    registry = params.optional_path("registry")
    return JobOptions(
        output=params.path("output"),
        device=chosen_device(device_parameter(params), TrainingError),
        reference=_reference(params),
        registry=None if registry is None else ModelRegistry(registry),
        prove=params.flag("prove", True),
        resume=params.flag("resume", False),
    )


def _reference(params: Params) -> CaseSet | None:
    folder, cases = params.optional_path("reference"), params.texts("reference_cases")
    if folder is None:
        if cases is not None:
            raise RequestError(Code.invalid_params, "'reference_cases' needs 'reference'.")
        return None
    dataset = read_dataset(folder)
    chosen = dataset.cases() if cases is None else cases
    dataset.check_cases(chosen, labelled=True, where="The reference set")
    return CaseSet(dataset, chosen)


def _settings(given: dict[str, Any]) -> FineTuneSettings:
    known = {field.name: field.default for field in fields(FineTuneSettings)}
    chosen: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise RequestError(Code.invalid_params, f"There is no setting '{name}'; there are {', '.join(known)}.")
        if name in ("patch", "without"):
            chosen[name] = _tuple(name, value)
        elif isinstance(known[name], float):
            chosen[name] = finite_number(value, name)
        elif type(value) is int:
            chosen[name] = value
        else:
            raise RequestError(Code.invalid_params, f"The setting '{name}' must be a whole number.")
    return FineTuneSettings(**chosen)


def _tuple(name: str, value: Any) -> tuple[Any, ...] | None:
    kind = int if name == "patch" else str
    if value is None and name == "patch":
        return None
    if not isinstance(value, list) or not all(type(item) is kind for item in value) or (kind is int and len(value) != 3):
        what = "three whole numbers" if kind is int else "a list of texts"
        raise RequestError(Code.invalid_params, f"The setting '{name}' must be {what}.")
    return tuple(value)


def _admit(registry: ModelRegistry, request: FineTuneRequest) -> None:
    """See that the registry is there and holds the parent, and that something is active that one can go back to."""
    manifest = verify_model(request.model).manifest
    if not is_registry(registry.folder):
        ModelRegistry.create(registry.folder)
    known = {version.model_id for version in registry.list()}
    if manifest.id in known:
        return
    added = registry.register(request.model, without_parent=manifest.parent not in known)
    if registry.active() is None and added.parent is None:
        registry.activate(added.id)


def _show(task: Task, stage: str, progress: TrainingProgress | None) -> None:
    if progress is None:
        task.tell(stage)
        return
    task.tell(
        stage,
        progress.iteration,
        progress.iterations,
        seconds_left=progress.seconds_left,
        loss=progress.loss,
        dice=progress.dice,
        note=progress.note,
    )


def _result(outcome: FineTuneOutcome, registry: ModelRegistry | None) -> dict[str, Any]:
    version = outcome.version
    return {
        "model": str(outcome.model),
        "verdict": None if outcome.verdict is None else outcome.verdict.to_json(),
        "version": None if version is None or registry is None else version_json(registry, version),
        "notes": list(outcome.notes),
        "proof": asdict(outcome.proof),
    }
