"""Fine-tuning from start to end: checks, the extra trainings of the proof, the model itself, the gate, the registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dualssl.cases.library import CaseLibrary
from dualssl.dataset import Dataset
from dualssl.devices import DeviceChoice
from dualssl.errors import RegistryError, TrainingCancelledError, TrainingError
from dualssl.evaluation.evaluate import evaluate_model
from dualssl.files import make_folder, write_json
from dualssl.finetune.plan import FineTunePlan
from dualssl.finetune.preflight import Preflight, preflight
from dualssl.finetune.proof import Proof, proof_of
from dualssl.finetune.request import FineTuneRequest
from dualssl.finetune.run import FineTuneRun, Parent
from dualssl.locks import exclusive
from dualssl.model.folder import load_model
from dualssl.model.integrity import model_sha256, verify_model
from dualssl.prediction.predictor import PredictionSettings, Predictor
from dualssl.registry.compare import CaseSet, read_scores
from dualssl.registry.gate import GateRules, judge
from dualssl.registry.scores import ScoredSet
from dualssl.registry.state import VersionRecord
from dualssl.registry.verdict import Verdict
from dualssl.registry.versions import ModelRegistry
from dualssl.training.progress import TrainingProgress

_LOCK = "finetune.lock"
_PLAN = "plan.json"

OnStage = Callable[[str, TrainingProgress | None], None]
"""Told what is going on, with the progress of training where there is some."""


@dataclass(frozen=True)
class JobOptions:
    """Where and how a job runs.

    Attributes:
        output: folder of the job; gets `plan.json`, `model/`, its training in `run/`, the extra trainings in `folds/`, the
            scores and `verdict.json`.
        device: where to compute.
        reference: labelled cases that no model of the line was trained on; the gate accepts no loss there.
        registry: where the model is registered, or None.
        prove: False leaves the extra trainings and the comparison out.
        resume: go on with the job in `output`.
        rules: of the gate.
    """

    output: Path
    device: DeviceChoice = "auto"
    reference: CaseSet | None = None
    registry: ModelRegistry | None = None
    prove: bool = True
    resume: bool = False
    rules: GateRules | None = None


@dataclass(frozen=True)
class FineTuneOutcome:
    """What a job leaves.

    Attributes:
        model: folder of the new model.
        verdict: of the comparison with its parent, or None if there was none.
        version: its record in the registry, or None.
        proof: how the comparison was made, or why there is none.
        notes: sentences from the checks before.
    """

    model: Path
    verdict: Verdict | None
    version: VersionRecord | None
    proof: Proof
    notes: tuple[str, ...]


class FineTuneJob:
    """One job on one library.

    Args:
        library: open; while the job goes on no other fine-tuning may start on it.
        request: what is asked.
        options: where and how.
        on_stage: told what is going on; an exception it raises ends the job, which can be resumed.
        cancelled: asked after every step of training and every scored case; True ends the job, which can be resumed.
    """

    def __init__(
        self,
        library: CaseLibrary,
        request: FineTuneRequest,
        options: JobOptions,
        on_stage: OnStage | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self._library = library
        self._request = request
        self._options = options
        self._on_stage = on_stage
        self._cancelled = cancelled
        networks, manifest = load_model(request.model)
        self._parent = Parent(networks, manifest)
        self._plan = self._stored_plan() if options.resume else request.resolve(manifest)
        self._cases = request.files(self._plan, manifest)
        self._proof = self._choose_proof()

    @property
    def proof(self) -> Proof:
        """Which cases are held out from what."""
        return self._proof

    def check(self) -> Preflight:
        """See that the job can work, and how long its trainings take in all.

        Raises:
            DualSSLError: what hinders it, and what to do.
        """
        self._check_registry()
        found = preflight(self._library, self._parent, self._plan, self._options.output, self._options.device)
        return Preflight(found.seconds * (1 + len(self._proof.folds)), (*found.notes, self._proof.reason))

    def run(self) -> FineTuneOutcome:
        """Do it all.

        Raises:
            TrainingCancelledError: it was cancelled.
            DualSSLError: what is wrong, and what to do.
        """
        taken = TrainingError(
            f"Another fine-tuning is going on with library '{self._library.folder}': wait until it has ended, or cancel it."
        )
        with exclusive(self._library.folder / _LOCK, taken):
            found = self.check()
            self._store_plan()
            self._tell(f"About {_minutes(found.seconds)} of training in {1 + len(self._proof.folds)} run(s)")
            child = self._scores_of_folds()
            model = self._train_model()
            verdict = self._judge(model, child)
            version = self._register(model, verdict)
        return FineTuneOutcome(model, verdict, version, self._proof, found.notes)

    def _stored_plan(self) -> FineTunePlan:
        """The plan of the job that is resumed: cases that came or were corrected since then do not change it."""
        path = self._options.output / _PLAN
        if not path.is_file():
            raise TrainingError(f"{self._options.output} holds no fine-tuning to resume: start one instead.")
        try:
            plan = FineTunePlan.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise TrainingError(f"{path} is damaged: restore it, or start a new fine-tuning in another folder.") from error
        same_model = plan.model_sha256 == model_sha256(self._request.model)
        if not same_model or plan.settings != self._request.settings:
            what = "settings" if same_model else "model"
            raise TrainingError(
                f"The fine-tuning in {self._options.output} was started with another {what}: repeat it as it was, or start "
                "another one in a new folder."
            )
        return plan

    def _store_plan(self) -> None:
        output = self._options.output
        if self._options.resume:
            return
        if make_folder(output):
            raise TrainingError(
                f"{output} is not empty: resume the fine-tuning that it holds, or name a new folder.", command_line="--resume"
            )
        write_json(output / _PLAN, self._plan.to_json())

    def _choose_proof(self) -> Proof:
        if not self._options.prove:
            return Proof(reason="No comparison was asked for.")
        dataset = self._request.library
        partly_seen = dataset.at_versions(self._plan.corrected).partly_seen(self._plan.corrected)
        return proof_of(self._plan, dataset.records, self._parent.manifest, dataset.name, partly_seen)

    def _check_registry(self) -> None:
        if self._options.registry is None:
            return
        known = {version.model_id for version in self._options.registry.list()}
        if self._parent.manifest.id not in known:
            raise RegistryError(
                f"Model '{self._parent.manifest.id}' is not in registry {self._options.registry.folder}: add it there first, "
                "so that its child has a parent.",
                command_line="dualssl models add",
            )

    def _train_model(self) -> Path:
        model = self._options.output / "model"
        if not (self._options.resume and model.is_dir()):
            trained = self._train(self._plan.without(self._proof.held_out), self._options.output / "run", "Training the model")
            trained.replace(model)
        return model

    def _train(self, plan: FineTunePlan, folder: Path, stage: str) -> Path:
        run = FineTuneRun(
            self._parent,
            plan,
            self._cases,
            folder,
            self._options.device,
            lambda progress: self._tell(stage, progress),
            self._cancelled,
        )
        # A job that was stopped between two of its trainings has not begun the next: that one starts, the others go on.
        return run.execute(resume=self._options.resume and (folder / "run.json").is_file())

    def _scores_of_folds(self) -> list[ScoredSet]:
        scores = []
        for number, out in enumerate(self._proof.folds, start=1):
            folder = self._options.output / "folds" / str(number)
            name = f"Extra training {number} of {len(self._proof.folds)}"
            scored = folder / "scores.json"
            if not (self._options.resume and scored.is_file()):
                model = self._train(self._plan.without(out), folder, f"{name}, without {len(out)} case(s)")
                self._score(model, self._request.library, out, scored, f"Scoring, {name.lower()}")
            scores.append(read_scores(scored))
        return scores

    def _judge(self, model: Path, folds: list[ScoredSet]) -> Verdict | None:
        if not self._proof.cases:
            return None
        output, library = self._options.output, self._request.library
        scored = output / "parent_scores.json"
        if not (self._options.resume and scored.is_file()):
            self._score(self._request.model, library, self._proof.cases, scored, "Scoring the parent")
        parent = read_scores(scored)
        if folds:
            child = ScoredSet.merged(folds, verify_model(model).manifest.id)
        else:
            self._score(model, library, self._proof.held_out, output / "scores.json", "Scoring the model")
            child = read_scores(output / "scores.json")
        verdict = judge(parent, child, self._on_reference(model), self._options.rules)
        write_json(output / "verdict.json", verdict.to_json())
        return verdict

    def _on_reference(self, model: Path) -> tuple[ScoredSet, ScoredSet] | None:
        chosen = self._options.reference
        if chosen is None:
            return None
        scores = []
        for folder, name in ((self._request.model, "parent"), (model, "model")):
            path = self._options.output / f"{name}_reference_scores.json"
            self._score(folder, chosen.dataset, chosen.cases, path, f"Scoring the {name} on the reference cases")
            scores.append(read_scores(path))
        return scores[0], scores[1]

    def _score(self, model: Path, dataset: Dataset, cases: tuple[str, ...], path: Path, stage: str) -> None:
        self._tell(stage)
        networks, manifest = load_model(model)
        predictor = Predictor(networks, manifest, PredictionSettings(device=self._options.device))
        evaluation = evaluate_model(predictor, dataset, cases, lambda *_: self._go_on())
        write_json(path, {"model": manifest.id, "dataset": dataset.name, **evaluation.to_json()})

    def _go_on(self) -> None:
        if self._cancelled is not None and self._cancelled():
            raise TrainingCancelledError("Fine-tuning was stopped while models were scored: resume it to go on from there.")

    def _register(self, model: Path, verdict: Verdict | None) -> VersionRecord | None:
        if self._options.registry is None:
            return None
        cases = dict(self._plan.without(self._proof.held_out).corrected)
        return self._options.registry.register(model, verdict, cases)

    def _tell(self, stage: str, progress: TrainingProgress | None = None) -> None:
        if self._on_stage is not None:
            self._on_stage(stage, progress)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
