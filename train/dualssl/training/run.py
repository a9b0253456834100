"""A training run from dataset to model folder: set-up, loop, checkpoints, records, export."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric, seed_everything

from dualssl.data.batches import BatchSource, Stream
from dualssl.data.prefetch import prefetched
from dualssl.data.store import CaseStore
from dualssl.dataset import Dataset
from dualssl.devices import DeviceChoice
from dualssl.errors import TrainingError
from dualssl.model.folder import new_model_id, save_model
from dualssl.model.manifest import Manifest, NetworkSpec
from dualssl.networks.pair import DualNetwork
from dualssl.presets import preset_named
from dualssl.training.config import TrainingConfig
from dualssl.training.devices import describe_device, make_fabric
from dualssl.training.fingerprint import Fingerprint
from dualssl.training.progress import OnProgress, TrainingProgress
from dualssl.training.records import MetricsLog
from dualssl.training.run_folder import RunFolder
from dualssl.training.trainer import StepResult, Trainer
from dualssl.training.validation import ValidationScore, validate
from dualssl.version import __version__

_log = logging.getLogger(__name__)


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
        self._on_progress = on_progress
        self._checkpoint_seconds = checkpoint_seconds
        self._preset = preset_named(config.preset).weighing(config.weights).without(config.without)
        if self._preset.uses_unlabelled and not config.unlabelled:
            raise TrainingError(
                f"Preset '{config.preset}' learns from unlabelled cases, but there is none: name some with --unlabelled, "
                "or use --preset supervised."
            )
        self._score: ValidationScore | None = None
        self._told = TrainingProgress(0, config.iterations)

    def execute(self, resume: bool = False) -> Path:
        """Train to the end and write the model folder, whose path is returned.

        Raises:
            DualSSLError: what is wrong with settings, data, memory or disk, and what to do.
        """
        fabric = make_fabric(self._device)
        if fabric.is_global_zero:
            self._folder.open(self._config, resume, fabric.world_size)
        else:
            self._on_progress = None
        fabric.barrier()
        store = self._open_cases()
        seed_everything(self._config.seed, workers=False, verbose=False)
        networks = DualNetwork(self._network_spec())
        one_piece = self._fingerprint.postprocessing.largest_component
        trainer = Trainer(fabric, networks, self._preset, self._config.iterations, self._config.seed, one_piece, self._say)
        if resume and self._folder.checkpoint.is_file():
            trainer.load(self._folder.checkpoint)
        source = self._batch_source(store, fabric)
        if fabric.is_global_zero and not resume:
            self._folder.begin(self._config, fabric.world_size)
        if fabric.is_global_zero:
            log = MetricsLog(self._folder.path, trainer.state.iteration)
            try:
                self._train(fabric, trainer, source, store, log)
                self._export(fabric, trainer, log)
            finally:
                log.close()
        else:
            self._train(fabric, trainer, source, store, None)
        fabric.barrier()
        return self._folder.model

    def _open_cases(self) -> CaseStore:
        config = self._config
        store = CaseStore(self._dataset, self._fingerprint.preprocessing, (*config.labelled, *config.validation))
        unlabelled = config.unlabelled if self._preset.uses_unlabelled else ()
        # Every file is opened before the first step, so that a bad one is found now and not after an hour.
        for name in (*config.labelled, *config.validation, *unlabelled):
            _ = store[name]
        return store

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
            Stream(self._config.labelled, half, "labelled"),
            Stream(self._config.unlabelled, half if self._preset.uses_unlabelled else 0, "unlabelled"),
            self._config.patch,
            self._preset.augmentation,
            self._config.seed,
            fabric.global_rank,
            fabric.world_size,
        )

    def _train(self, fabric: Fabric, trainer: Trainer, source: BatchSource, store: CaseStore, log: MetricsLog | None) -> None:
        state, config = trainer.state, self._config
        every = config.validate_every or config.iterations
        report_every = max(1, min(10, config.iterations // 20))
        began, before, saved = time.monotonic(), state.seconds, time.monotonic()
        first = state.iteration
        self._tell(TrainingProgress(state.iteration, config.iterations))
        try:
            for _, batch in prefetched(source, state.iteration, config.iterations):
                result = trainer.step(batch)
                state.seconds = before + time.monotonic() - began
                done = state.iteration
                if done % report_every == 0 or done == config.iterations:
                    loss = self._record_step(state.seconds, done, result, log)
                    left = (config.iterations - done) * (time.monotonic() - began) / (done - first)
                    dice = self._score.dice if self._score else None
                    self._tell(TrainingProgress(done, config.iterations, loss, dice, left))
                if done % every == 0 and done < config.iterations:
                    self._validate(fabric, trainer, store, log)
                    fabric.barrier()
                if log is not None and time.monotonic() - saved > self._checkpoint_seconds:
                    self._save(trainer)
                    saved = time.monotonic()
        except BaseException:
            # Whatever ends the run (Ctrl+C, a cancel, a full disk), what was learned so far is kept if it can be.
            if log is not None and state.iteration > first:
                self._save_quietly(trainer)
            raise
        if log is not None:
            self._save(trainer)
            # Not inside the loop: a run that was stopped in its last validation validates when it is resumed.
            if not any(r["kind"] == "validation" and r["iteration"] == state.iteration for r in log.records()):
                self._validate(fabric, trainer, store, log)

    def _record_step(self, seconds: float, iteration: int, result: StepResult, log: MetricsLog | None) -> float:
        loss = float(result.total)
        if not math.isfinite(loss):
            raise _diverged(iteration)
        if log is not None:
            parts = {name: round(float(value), 6) for name, value in result.parts.items()}
            log.add(
                iteration,
                "train",
                {"loss": round(loss, 6), "lr": result.learning_rate, "seconds": round(seconds, 2), **parts},
            )
        return loss

    def _validate(self, fabric: Fabric, trainer: Trainer, store: CaseStore, log: MetricsLog | None) -> None:
        if log is not None and self._config.validation:
            manifest = self._manifest("validation", {})
            self._score = validate(trainer.exported, manifest, store, self._config.validation, fabric.device)
            log.add(trainer.state.iteration, "validation", self._score.to_json())

    def _save(self, trainer: Trainer) -> None:
        # A finite loss may still have had a gradient that is none: such weights must not replace a good checkpoint.
        if not all(bool(torch.isfinite(p).all()) for p in trainer.networks.parameters()):
            raise _diverged(trainer.state.iteration)
        trainer.save(self._folder.checkpoint)

    def _save_quietly(self, trainer: Trainer) -> None:
        try:
            self._save(trainer)
        except Exception as error:
            _log.warning("No checkpoint could be written while stopping: %s", error)

    def _manifest(self, model_id: str, provenance: dict[str, Any]) -> Manifest:
        return Manifest(
            id=model_id,
            name=self._config.name,
            labels=self._dataset.labels,
            channel_names=self._dataset.channel_names,
            networks=self._network_spec(),
            preprocessing=self._fingerprint.preprocessing,
            postprocessing=self._fingerprint.postprocessing,
            patch=self._config.patch,
            provenance=provenance,
        )

    def _export(self, fabric: Fabric, trainer: Trainer, log: MetricsLog) -> None:
        networks = trainer.exported
        now = datetime.now(timezone.utc)
        manifest = self._manifest(new_model_id(self._config.name, now, networks), self._provenance(fabric, trainer, log, now))
        save_model(self._folder.model, manifest, networks, replace=True)

    def _provenance(self, fabric: Fabric, trainer: Trainer, log: MetricsLog, now: datetime) -> dict[str, Any]:
        config, preset = self._config, self._preset
        curve = [
            {"iteration": r["iteration"], "dice": r["dice"], "dice_a": r["dice_a"], "dice_b": r["dice_b"]}
            for r in log.records()
            if r["kind"] == "validation"
        ]
        return {
            "created": now.isoformat(timespec="seconds"),
            "dataset": self._dataset.name,
            "labelled": list(config.labelled),
            "unlabelled": len(config.unlabelled) if preset.uses_unlabelled else 0,
            "validation": list(config.validation),
            "preset": config.preset,
            "without": list(config.without),
            "weights_of_terms": list(config.weights),
            "weights": preset.export,
            "checkpoint": "last",
            "iterations": config.iterations,
            "batch": config.batch * fabric.world_size,
            "seed": config.seed,
            "hours": round(trainer.state.seconds / 3600, 4),
            "device": describe_device(fabric),
            "versions": {"dualssl": __version__, "torch": torch.__version__},
            "validation_curve": curve,
        }

    def _say(self, note: str) -> None:
        _log.warning(note)
        self._tell(replace(self._told, note=note))

    def _tell(self, progress: TrainingProgress) -> None:
        self._told = replace(progress, note="")
        if self._on_progress is not None:
            self._on_progress(progress)


def _diverged(iteration: int) -> TrainingError:
    return TrainingError(
        f"Training has diverged by iteration {iteration}, loss or weights are no longer numbers: start a new run with another "
        "--seed, or lower the preset's learning rate."
    )
