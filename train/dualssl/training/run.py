"""A training run from dataset to model folder: set-up, loop, checkpoints, records, export."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric, seed_everything

from dualssl.data.batches import BatchSource, Stream
from dualssl.data.store import CaseStore
from dualssl.dataset import Dataset
from dualssl.devices import DeviceChoice
from dualssl.errors import TrainingError
from dualssl.model.folder import new_model_id, save_model
from dualssl.model.manifest import Manifest, NetworkSpec
from dualssl.networks.pair import DualNetwork
from dualssl.presets import preset_named
from dualssl.training.config import TrainingConfig
from dualssl.training.devices import make_fabric
from dualssl.training.fingerprint import Fingerprint
from dualssl.training.loop import LoopHooks, LoopSettings, TrainingLoop
from dualssl.training.progress import OnProgress, Reporter
from dualssl.training.provenance import training_facts
from dualssl.training.records import MetricsLog
from dualssl.training.run_folder import RunFolder
from dualssl.training.trainer import Trainer
from dualssl.training.validation import ValidationScore, validate


class TrainingRun:
    """One run in one folder.

    Args:
        dataset: where the cases are.
        fingerprint: how they are prepared, from the labelled cases.
        config: what is asked.
        folder: gets `run.json`, `checkpoint.safetensors`, `metrics.jsonl`, `tensorboard/` and, at the end, `model/`.
        device: where to train.
        on_progress: told about every tenth step or so; an exception it raises ends the run after a checkpoint.
        checkpoint_seconds: a checkpoint is written when this much time has passed.
    """

    def __init__(
        self,
        dataset: Dataset,
        fingerprint: Fingerprint,
        config: TrainingConfig,
        folder: Path,
        device: DeviceChoice = "auto",
        on_progress: OnProgress | None = None,
        checkpoint_seconds: float = 60.0,
    ) -> None:
        self._dataset = dataset
        self._fingerprint = fingerprint
        self._config = config
        self._folder = RunFolder(folder)
        self._device: DeviceChoice = device
        self._reporter = Reporter(on_progress, config.iterations)
        self._checkpoint_seconds = checkpoint_seconds
        self._preset = preset_named(config.preset).weighing(config.weights).without(config.without)
        if self._preset.uses_unlabelled and not config.unlabelled:
            raise TrainingError(
                f"Preset '{config.preset}' learns from unlabelled cases, but there is none: name some, or use "
                "preset 'supervised'.",
                command_line="--unlabelled CASES, or --preset supervised",
            )

    def execute(self, resume: bool = False) -> Path:
        """Train to the end and write the model folder, whose path is returned.

        Raises:
            DualSSLError: what is wrong with settings, data, memory or disk, and what to do.
        """
        fabric = make_fabric(self._device)
        if fabric.is_global_zero:
            self._folder.open(self._config, resume, fabric.world_size)
        else:
            self._reporter = Reporter(None, self._config.iterations)
        fabric.barrier()
        store = self._open_cases()
        seed_everything(self._config.seed, workers=False, verbose=False)
        networks = DualNetwork(self._network_spec())
        one_piece = self._fingerprint.postprocessing.largest_component
        trainer = Trainer(
            fabric, networks, self._preset, self._config.iterations, self._config.seed, one_piece, self._reporter.warn
        )
        if resume and self._folder.checkpoint.is_file():
            trainer.load(self._folder.checkpoint)
        if fabric.is_global_zero and not resume:
            self._folder.begin(self._config, fabric.world_size)
        if fabric.is_global_zero:
            log = MetricsLog(self._folder.path, trainer.state.iteration)
            try:
                self._loop(fabric, trainer, store, log).run()
                self._export(fabric, trainer, store, log)
            finally:
                log.close()
        else:
            self._loop(fabric, trainer, store, None).run()
        fabric.barrier()
        return self._folder.model

    def _open_cases(self) -> CaseStore:
        config = self._config
        store = CaseStore(self._dataset, self._fingerprint.preprocessing, (*config.labelled, *config.validation))
        store.open_all((*config.labelled, *config.validation, *self._unlabelled))
        return store

    @property
    def _unlabelled(self) -> tuple[str, ...]:
        """The unlabelled cases that are trained on."""
        return self._config.unlabelled if self._preset.uses_unlabelled else ()

    def _network_spec(self) -> NetworkSpec:
        return NetworkSpec(
            in_channels=len(self._dataset.channel_names),
            classes=self._dataset.labels.channels,
            width=self._config.width,
            norm=self._preset.norm,
            dropout=self._config.dropout,
        )

    def _batch_source(self, store: CaseStore, fabric: Fabric) -> BatchSource:
        half = self._config.batch // 2
        return BatchSource(
            store,
            (Stream(self._config.labelled, half, "labelled"),),
            Stream(self._config.unlabelled, half if self._preset.uses_unlabelled else 0, "unlabelled"),
            self._config.patch,
            self._preset.augmentation,
            self._config.seed,
            fabric.global_rank,
            fabric.world_size,
        )

    def _loop(self, fabric: Fabric, trainer: Trainer, store: CaseStore, log: MetricsLog | None) -> TrainingLoop:
        config = self._config
        manifest = self._manifest("validation", {}, None)

        def score() -> ValidationScore:
            return validate(trainer.exported, manifest, store, config.validation, fabric.device)

        return TrainingLoop(
            fabric,
            trainer,
            self._batch_source(store, fabric),
            LoopSettings(config.iterations, config.validate_every, self._folder.checkpoint, self._checkpoint_seconds),
            log,
            self._reporter,
            LoopHooks(validate=score if config.validation else None),
        )

    def _manifest(
        self, model_id: str, provenance: dict[str, Any], field_of_view: tuple[float, float, float] | None
    ) -> Manifest:
        return Manifest(
            id=model_id,
            name=self._config.name,
            labels=self._dataset.labels,
            channel_names=self._dataset.channel_names,
            networks=self._network_spec(),
            preprocessing=self._fingerprint.preprocessing,
            postprocessing=self._fingerprint.postprocessing,
            patch=self._config.patch,
            field_of_view=field_of_view,
            provenance=provenance,
        )

    def _export(self, fabric: Fabric, trainer: Trainer, store: CaseStore, log: MetricsLog) -> None:
        networks = trainer.exported
        now = datetime.now(timezone.utc)
        manifest = self._manifest(
            new_model_id(self._config.name, now, networks),
            self._provenance(fabric, trainer, log, now),
            store.field_of_view((*self._config.labelled, *self._unlabelled)),
        )
        save_model(self._folder.model, manifest, networks, replace=True)

    def _provenance(self, fabric: Fabric, trainer: Trainer, log: MetricsLog, now: datetime) -> dict[str, Any]:
        config, preset = self._config, self._preset
        return {
            "dataset": self._dataset.name,
            "labelled": list(config.labelled),
            "unlabelled": len(config.unlabelled) if preset.uses_unlabelled else 0,
            "validation": list(config.validation),
            "preset": config.preset,
            "without": list(config.without),
            "weights_of_terms": list(config.weights),
            "iterations": config.iterations,
            "batch": config.batch * fabric.world_size,
            "seed": config.seed,
            **training_facts(fabric, trainer, preset, log, now),
        }
