"""The loop of a run: steps, records, validations and checkpoints, in an order that can be interrupted anywhere."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from dualssl.data.batches import BatchSource
from dualssl.data.prefetch import prefetched
from dualssl.errors import TrainingCancelledError, TrainingError
from dualssl.training.progress import Reporter, TrainingProgress
from dualssl.training.records import MetricsLog
from dualssl.training.trainer import StepResult, Trainer
from dualssl.training.validation import ValidationScore

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoopSettings:
    """How long a loop runs and what it leaves on the way.

    Attributes:
        iterations: optimiser steps of the whole run.
        validate_every: iterations between validations; 0 validates at the end only.
        checkpoint: file of the last checkpoint.
        checkpoint_seconds: a checkpoint is written when this much time has passed.
    """

    iterations: int
    validate_every: int
    checkpoint: Path
    checkpoint_seconds: float = 60.0


Validate = Callable[[], ValidationScore]
EndsEarly = Callable[[list[dict[str, Any]]], bool]
Watch = Callable[[int, dict[str, float]], None]
Cancelled = Callable[[], bool]


@dataclass(frozen=True)
class LoopHooks:
    """What may be asked and told while a loop runs; None for nobody.

    Attributes:
        validate: scores the weights as they are.
        ends_early: asked after each validation with the records of all so far; True ends the run there. It must be a
            function of those records alone, so that a resumed run ends where the uninterrupted one does.
        watch: told the parts of the loss of every recorded step.
        cancelled: asked after every step; True ends the run after a checkpoint.
    """

    validate: Validate | None = None
    ends_early: EndsEarly | None = None
    watch: Watch | None = None
    cancelled: Cancelled | None = None


class TrainingLoop:
    """Takes a trainer from where its checkpoint left it to the end of its run.

    Args:
        fabric: device and processes.
        trainer: networks, loss and optimiser, at the iteration to go on from.
        source: of batches.
        settings: length of the run, validations, checkpoints.
        log: of the run; None in all processes but the first, which then neither validate nor save.
        reporter: is told about every tenth step or so.
        hooks: validation, early end, cancelling.
    """

    def __init__(
        self,
        fabric: Fabric,
        trainer: Trainer,
        source: BatchSource,
        settings: LoopSettings,
        log: MetricsLog | None,
        reporter: Reporter,
        hooks: LoopHooks | None = None,
    ) -> None:
        self._fabric = fabric
        self._trainer = trainer
        self._source = source
        self._settings = settings
        self._log = log
        self._reporter = reporter
        self._hooks = hooks or LoopHooks()
        self._dice: float | None = None

    def run(self) -> None:
        """Train to the end. Whatever stops it (Ctrl+C, a cancel, a full disk), what was learned so far is kept if it can be.

        Raises:
            TrainingCancelledError: the hook says so.
            TrainingError: the loss or the weights are no longer numbers, or memory is too small.
            OutputError: a record or checkpoint cannot be written.
        """
        first = self._trainer.state.iteration
        try:
            self._steps(first)
        except BaseException:
            if self._log is not None and self._trainer.state.iteration > first:
                self._save_quietly()
            raise
        if self._log is not None:
            self._save()
            # Not inside the loop: a run that was stopped in its last validation validates when it is resumed.
            if not any(record["iteration"] == self._trainer.state.iteration for record in self._validations()):
                self._score()

    def _steps(self, first: int) -> None:
        state, iterations = self._trainer.state, self._settings.iterations
        every = self._settings.validate_every or iterations
        report_every = max(1, min(10, iterations // 20))
        began, before, saved = time.monotonic(), state.seconds, time.monotonic()
        self._reporter.tell(TrainingProgress(state.iteration, iterations))
        if self._is_over():
            return
        for _, batch in prefetched(self._source, state.iteration, iterations):
            result = self._trainer.step(batch)
            state.seconds = before + time.monotonic() - began
            done = state.iteration
            if self._hooks.cancelled is not None and self._hooks.cancelled():
                raise TrainingCancelledError(
                    f"Training was stopped after {done} of {iterations} iterations: resume it to go on from there."
                )
            if done % report_every == 0 or done == iterations:
                loss = self._record(done, result)
                left = (iterations - done) * (time.monotonic() - began) / (done - first)
                self._reporter.tell(TrainingProgress(done, iterations, loss, self._dice, left))
            if done % every == 0 and done < iterations:
                self._score()
                self._fabric.barrier()
                if self._is_over():
                    return
            if self._log is not None and time.monotonic() - saved > self._settings.checkpoint_seconds:
                self._save()
                saved = time.monotonic()

    def _record(self, iteration: int, result: StepResult) -> float:
        loss = float(result.total)
        if not math.isfinite(loss):
            raise _diverged(iteration)
        if self._log is not None:
            parts = {name: round(float(value), 6) for name, value in result.parts.items()}
            seconds = round(self._trainer.state.seconds, 2)
            self._log.add(iteration, "train", {"loss": round(loss, 6), "lr": result.learning_rate, "seconds": seconds, **parts})
            if self._hooks.watch is not None:
                self._hooks.watch(iteration, parts)
        return loss

    def _score(self) -> None:
        if self._log is not None and self._hooks.validate is not None:
            score = self._hooks.validate()
            self._dice = score.dice
            self._log.add(self._trainer.state.iteration, "validation", score.to_json())

    def _validations(self) -> list[dict[str, Any]]:
        return [] if self._log is None else self._log.validations()

    def _is_over(self) -> bool:
        # Every process must leave at the same step: the first, which validates, tells the others.
        ends_early = self._hooks.ends_early
        ended = ends_early is not None and self._log is not None and ends_early(self._validations())
        return bool(self._fabric.broadcast(ended)) if self._fabric.world_size > 1 else ended

    def _save(self) -> None:
        # A finite loss may still have had a gradient that is none: such weights must not replace a good checkpoint.
        if not all(bool(torch.isfinite(p).all()) for p in self._trainer.networks.parameters()):
            raise _diverged(self._trainer.state.iteration)
        self._trainer.save(self._settings.checkpoint)

    def _save_quietly(self) -> None:
        try:
            self._save()
        except Exception as error:
            _log.warning("No checkpoint could be written while stopping: %s", error)


def _diverged(iteration: int) -> TrainingError:
    return TrainingError(
        f"Training has diverged by iteration {iteration}, loss or weights are no longer numbers: start a new run with another "
        "seed, or lower the learning rate."
    )
