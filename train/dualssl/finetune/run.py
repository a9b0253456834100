"""One fine-tuning, from a parent model to a child model folder."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric, seed_everything

from dualssl.data.batches import BatchSource, Stream
from dualssl.data.store import CaseStore
from dualssl.devices import DeviceChoice
from dualssl.finetune.cases import FineTuneCases, replayed
from dualssl.finetune.early_end import ends_after
from dualssl.finetune.monitor import DisagreementMonitor
from dualssl.finetune.plan import FineTunePlan
from dualssl.finetune.recipe import recipe
from dualssl.model.folder import new_model_id, save_model
from dualssl.model.manifest import Manifest
from dualssl.model.provenance import beginning
from dualssl.networks.pair import DualNetwork
from dualssl.presets.base import Preset
from dualssl.training.devices import make_fabric
from dualssl.training.loop import LoopHooks, LoopSettings, TrainingLoop
from dualssl.training.progress import OnProgress, Reporter
from dualssl.training.provenance import training_facts
from dualssl.training.records import MetricsLog
from dualssl.training.run_folder import RunFolder
from dualssl.training.trainer import Trainer
from dualssl.training.validation import ValidationScore, validate


@dataclass(frozen=True)
class Parent:
    """A loaded model: its networks on the CPU, and what it is."""

    networks: DualNetwork
    manifest: Manifest


class FineTuneRun:
    """One fine-tuning in one folder; resumable, and cancellable at any moment.

    Args:
        parent: the model to go on from; it is not changed.
        plan: what is asked.
        cases: where the cases are.
        folder: gets `run.json`, `checkpoint.safetensors`, `metrics.jsonl` and, at the end, `model/`.
        device: where to train.
        on_progress: told about every tenth step or so; an exception it raises ends the run after a checkpoint.
        cancelled: asked after every step; True ends the run after a checkpoint.
        checkpoint_seconds: a checkpoint is written when this much time has passed.
    """

    def __init__(
        self,
        parent: Parent,
        plan: FineTunePlan,
        cases: FineTuneCases,
        folder: Path,
        device: DeviceChoice = "auto",
        on_progress: OnProgress | None = None,
        cancelled: Callable[[], bool] | None = None,
        checkpoint_seconds: float = 60.0,
    ) -> None:
        self._parent = parent
        self._plan = plan
        self._cases = cases
        self._folder = RunFolder(folder)
        self._device: DeviceChoice = device
        self._reporter = Reporter(on_progress, plan.settings.iterations)
        self._cancelled = cancelled
        self._checkpoint_seconds = checkpoint_seconds
        self._preset = recipe_of(plan, parent.manifest)
        self._monitor = DisagreementMonitor(self._reporter.warn)

    def execute(self, resume: bool = False) -> Path:
        """Train to the end and write the model folder, whose path is returned.

        Raises:
            TrainingCancelledError: it was cancelled; resume it to go on.
            DualSSLError: what is wrong with settings, cases, memory or disk, and what to do.
        """
        plan, settings = self._plan, self._plan.settings
        self._folder.open(plan, resume, processes=1)
        store = open_cases(self._cases, plan, self._parent.manifest, self._preset)
        fabric = make_fabric(self._device)
        seed_everything(settings.seed, workers=False, verbose=False)
        one_piece = self._parent.manifest.postprocessing.largest_component
        trainer = Trainer(
            fabric,
            copy.deepcopy(self._parent.networks),
            self._preset,
            settings.iterations,
            settings.seed,
            one_piece,
            self._reporter.warn,
            parent=self._parent.networks,
        )
        if resume and self._folder.checkpoint.is_file():
            trainer.load(self._folder.checkpoint)
        if not resume:
            self._folder.begin(plan, processes=1)
        log = MetricsLog(self._folder.path, trainer.state.iteration)
        try:
            self._loop(fabric, trainer, store, log).run()
            return self._export(fabric, trainer, store, log)
        finally:
            log.close()

    def _loop(self, fabric: Fabric, trainer: Trainer, store: CaseStore, log: MetricsLog) -> TrainingLoop:
        plan, settings = self._plan, self._plan.settings
        validating = bool(plan.validation)
        manifest = self._manifest("validation", {})

        def score() -> ValidationScore:
            return validate(trainer.exported, manifest, store, plan.validation, fabric.device)

        return TrainingLoop(
            fabric,
            trainer,
            batch_source(store, plan, self._parent.manifest, self._preset),
            LoopSettings(
                settings.iterations,
                settings.validate_every if validating else 0,
                self._folder.checkpoint,
                self._checkpoint_seconds,
            ),
            log,
            self._reporter,
            LoopHooks(
                validate=score if validating else None,
                ends_early=ends_after(settings.patience) if validating else None,
                watch=self._monitor.watch,
                cancelled=self._cancelled,
            ),
        )

    def _manifest(self, model_id: str, provenance: dict[str, Any]) -> Manifest:
        patch = self._plan.settings.patch or self._parent.manifest.patch
        return replace(
            self._parent.manifest,
            id=model_id,
            patch=patch,
            # A temperature belongs to the weights it was fitted for.
            temperature=1.0,
            provenance=provenance,
            parent=self._parent.manifest.id,
        )

    def _export(self, fabric: Fabric, trainer: Trainer, store: CaseStore, log: MetricsLog) -> Path:
        now = datetime.now(timezone.utc)
        networks = trainer.exported
        model_id = new_model_id(self._parent.manifest.name, now, networks)
        manifest = self._manifest(model_id, self._provenance(fabric, trainer, log, now))
        manifest = replace(manifest, field_of_view=self._field_of_view(store))
        save_model(self._folder.model, manifest, networks, replace=True)
        return self._folder.model

    def _field_of_view(self, store: CaseStore) -> tuple[float, float, float] | None:
        """As far as the parent's images and the corrected cases reach; unknown where the parent does not tell.

        Cases without labels teach what the model already does: one that is larger than all it knows does not widen that.
        """
        parents = self._parent.manifest.field_of_view
        own = store.field_of_view(self._plan.corrected)
        if parents is None or own is None:
            return parents
        k, j, i = map(max, parents, own)
        return k, j, i

    def _provenance(self, fabric: Fabric, trainer: Trainer, log: MetricsLog, now: datetime) -> dict[str, Any]:
        plan, settings = self._plan, self._plan.settings
        first = beginning(self._parent.manifest.provenance)
        return {
            "dataset": self._cases.name,
            "labelled": list(plan.corrected),
            "label_versions": dict(plan.corrected),
            "replayed": list(plan.replay),
            "unlabelled": len(plan.pool) if self._preset.uses_unlabelled else 0,
            "validation": list(plan.validation),
            "preset": self._preset.name,
            "without": list(settings.without),
            "iterations": trainer.state.iteration,
            "learning_rate": settings.learning_rate,
            "edit_weight": settings.edit_weight,
            "batch": settings.batch,
            "seed": settings.seed,
            "disagreement": {"start": self._monitor.start, "end": self._monitor.now, "collapsed": self._monitor.collapsed},
            **training_facts(fabric, trainer, self._preset, log, now),
            # What the line's first model learned from is part of what the child knows.
            "parent_provenance": {key: first.get(key) for key in ("dataset", "labelled", "preset", "iterations")},
        }


def recipe_of(plan: FineTunePlan, manifest: Manifest) -> Preset:
    """The recipe that a plan follows, by the streams it has."""
    return recipe(
        replay=bool(plan.replay),
        pool=bool(plan.pool),
        norm=manifest.networks.norm,
        learning_rate=plan.settings.learning_rate,
        without=plan.settings.without,
    )


def open_cases(cases: FineTuneCases, plan: FineTunePlan, manifest: Manifest, preset: Preset) -> CaseStore:
    """A store in which every case of the plan has been opened once, so that a bad file is found now and not later.

    Raises:
        VolumeError: a file cannot be used; names it.
    """
    labelled = (*plan.corrected, *(replayed(name) for name in plan.replay), *plan.validation)
    store = CaseStore(cases, manifest.preprocessing, labelled)
    store.open_all((*labelled, *(plan.pool if preset.uses_unlabelled else ())))
    return store


def batch_source(store: CaseStore, plan: FineTunePlan, manifest: Manifest, preset: Preset) -> BatchSource:
    """The streams of a plan: corrected cases, as many patches of replayed ones, and the pool."""
    settings = plan.settings
    half = settings.batch // 2
    corrected = Stream(tuple(plan.corrected), half, "corrected")
    labelled: tuple[Stream, ...] = (corrected,)
    if plan.replay:
        shares = replace(corrected, count=half // 2), Stream(tuple(map(replayed, plan.replay)), half // 2, "replay")
        labelled = shares
    return BatchSource(
        store,
        labelled,
        Stream(plan.pool, half if preset.uses_unlabelled else 0, "pool"),
        settings.patch or manifest.patch,
        preset.augmentation,
        settings.seed,
        edit_weight=settings.edit_weight,
    )
