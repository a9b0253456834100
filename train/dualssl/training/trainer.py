"""The training loop: one optimiser step after the other, whatever the preset."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from dualssl.data.batches import Batch
from dualssl.data.randomness import derived_seed
from dualssl.devices import is_out_of_memory
from dualssl.errors import TrainingError
from dualssl.networks.pair import DualNetwork, NetworkOutput
from dualssl.presets.base import Preset
from dualssl.terms.base import Step
from dualssl.training.agreement import agreement
from dualssl.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from dualssl.training.ema import EmaTeacher
from dualssl.training.loss import PresetLoss
from dualssl.training.mixing import TrainingImages, copy_pasted, cuboid, pasted_among_labelled, stacked
from dualssl.training.pseudo_labels import pseudo_labels
from dualssl.training.schedule import build_optimiser, learning_rate

_log = logging.getLogger(__name__)
_TOO_LITTLE_MEMORY = "There is too little memory to train with these settings: use smaller patches, batches or networks."


@dataclass(frozen=True)
class StepResult:
    """What one optimiser step reports: learning rate, total loss and its parts (scalars on the device)."""

    learning_rate: float
    total: Tensor
    parts: dict[str, Tensor]


class Trainer:
    """Networks, loss, optimiser and teacher of a run.

    Args:
        fabric: device, precision, processes.
        networks: the pair, freshly initialised or a copy of `parent`; it is trained in place.
        preset: the recipe.
        iterations: of the whole run, for schedules and ramps.
        seed: of the run.
        one_piece: label values of the structures that are one connected piece, for cleaning pseudo-labels.
        say: is told, in a sentence, when memory runs out and the batch is split.
        parent: the model that is being fine-tuned, whose weights `networks` have, or None where training begins anew. Its
            normalisation statistics are kept (few cases would spoil them), and the EMA teacher begins as it.
    """

    def __init__(
        self,
        fabric: Fabric,
        networks: DualNetwork,
        preset: Preset,
        iterations: int,
        seed: int,
        one_piece: tuple[int, ...] = (),
        say: Callable[[str], None] = _log.warning,
        parent: DualNetwork | None = None,
    ) -> None:
        self._fabric = fabric
        self._preset = preset
        self._iterations = iterations
        self._seed = seed
        self._one_piece = one_piece
        self._say = say
        networks = networks.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self._loss = PresetLoss(preset, networks.spec.classes, networks.spec.width)
        self._loss.terms.to(fabric.device)
        optimiser = build_optimiser(preset.optimiser, networks.parameters())
        self._model, self._optimiser = fabric.setup(networks, optimiser)
        self.networks: DualNetwork = self._model.module
        teacher = None if preset.ema_decay is None else EmaTeacher(self.networks, preset.ema_decay, parent is not None)
        self._parent = None if parent is None else _at_rest(parent, fabric.device)
        self.state = TrainingState(self.networks, self._loss.terms, optimiser, teacher)

    @property
    def exported(self) -> DualNetwork:
        """The weights that the preset exports: the teacher's or the student's."""
        if self._preset.export == "teacher" and self.state.teacher is not None:
            return self.state.teacher.networks
        return self.networks

    def save(self, path: Path) -> None:
        """Write a checkpoint, atomically."""
        scaler = getattr(self._fabric._precision, "scaler", None)
        self.state.scaler = scaler.state_dict() if scaler is not None else {}
        save_checkpoint(path, self.state)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        load_checkpoint(path, self.state)
        scaler = getattr(self._fabric._precision, "scaler", None)
        if scaler is not None and self.state.scaler:
            scaler.load_state_dict(self.state.scaler)

    def step(self, batch: Batch) -> StepResult:
        """One optimiser step on `batch`; advances `state.iteration`.

        Raises:
            TrainingError: memory does not even hold one labelled patch and its unlabelled partner at a time.
        """
        rate = learning_rate(self._preset.optimiser, self._preset.schedule, self.state.iteration, self._iterations)
        while True:
            before = self._buffers()
            try:
                total, parts = self._gradients(batch)
                break
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside the block above, whose error still holds the failed attempt's tensors. What the attempt moved on
            # (normalisation statistics, prototypes, banks) goes back, so that the step counts once.
            for buffer, value in before:
                buffer.copy_(value)
            self._split_further(batch)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        try:
            self._optimiser.step()
            if self.state.teacher is not None:
                self.state.teacher.update(self.networks)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise TrainingError(_TOO_LITTLE_MEMORY) from error
        self.state.iteration += 1
        return StepResult(rate, total, parts)

    def _buffers(self) -> list[tuple[Tensor, Tensor]]:
        """Every buffer that a forward pass moves on, with its value now."""
        return [(buffer, buffer.clone()) for module in (self.networks, self._loss.terms) for buffer in module.buffers()]

    def _split_further(self, batch: Batch) -> None:
        patches, labelled = len(batch.labelled) + len(batch.unlabelled), len(batch.labelled)
        # Only equal parts with equal shares of both streams add up to the gradient of the whole batch.
        parts = next((n for n in range(self.state.parts + 1, labelled + 1) if labelled % n == 0), None)
        if parts is None or self._fabric.world_size > 1:
            raise TrainingError(_TOO_LITTLE_MEMORY)
        self.state.parts = parts
        self._optimiser.zero_grad(set_to_none=True)
        if self._fabric.device.type == "cuda":
            torch.cuda.empty_cache()
        self._say(
            f"Out of memory: going on with {patches // parts} of {patches} patches at a time, gradients accumulated over "
            f"{parts} parts (the batch as a whole stays the same)."
        )

    def _gradients(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Fill the gradients of one step; returns the total loss and its parts."""
        iteration, progress = self.state.iteration, self.state.iteration / self._iterations
        # Dropout and sampling inside terms draw from torch's generator: seeding it for every step makes a step a function
        # of weights and iteration, hence a resumed run equal to an uninterrupted one.
        torch.manual_seed(derived_seed(self._seed, "step", iteration, self._fabric.global_rank))
        self._model.train()
        if self._parent is not None:
            _keep_statistics(self.networks)
        images = self._training_images(batch, progress)
        self._optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self._fabric.device)
        sums: dict[str, Tensor] = {}
        chunks = images.chunks(self.state.parts)
        for number, chunk in enumerate(chunks):
            with self._fabric.no_backward_sync(self._model, enabled=number < len(chunks) - 1):
                step = self._forward(chunk, progress)
                loss, parts = self._loss(step)
                if self._parent is not None:
                    parts["agreement"] = agreement(step)
                loss = loss / len(chunks)
                self._fabric.backward(loss)
            total += loss.detach()
            for name, value in parts.items():
                sums[name] = sums.get(name, torch.zeros_like(value)) + value / len(chunks)
        return total, sums

    def _training_images(self, batch: Batch, progress: float) -> TrainingImages:
        labelled, unlabelled = self._on_device(batch.labelled), self._on_device(batch.unlabelled)
        labels = batch.labels.to(self._fabric.device, non_blocking=True)
        weight = None if batch.label_weight is None else batch.label_weight.to(self._fabric.device, non_blocking=True)
        spec = self._preset.copy_paste
        if spec is None:
            known = len(unlabelled) > 0 and self._loss.needs_pseudo_labels and self.state.teacher is not None
            return stacked(labelled, labels, unlabelled, self._pseudo_labels(unlabelled) if known else None, weight)
        generator = torch.Generator().manual_seed(
            derived_seed(self._seed, "cuboid", self.state.iteration, self._fabric.global_rank)
        )
        mask = cuboid(tuple(labels.shape[1:]), spec.side, generator).to(labels.device)
        if progress < spec.pretrain:
            return pasted_among_labelled(labelled, labels, mask, weight)
        if self.state.teacher is None:
            raise TrainingError(f"Preset '{self._preset.name}' mixes unlabelled patches and so needs an EMA teacher.")
        return copy_pasted(labelled, labels, unlabelled, self._pseudo_labels(unlabelled), mask, spec, weight)

    def _pseudo_labels(self, unlabelled: Tensor) -> Tensor:
        return pseudo_labels(self._teacher_probabilities(unlabelled), self._preset.pseudo_label, self._one_piece)

    def _forward(self, images: TrainingImages, progress: float) -> Step:
        a, b = self._networks_on(images.images)
        return Step(
            images=images.images,
            a=a,
            b=b,
            target=images.target,
            truth=images.truth,
            weight=images.weight,
            teacher=self._teacher_probabilities(images.images) if self._loss.needs_teacher else None,
            parent=self._parent_probabilities(images.images) if self._loss.needs_parent else None,
            progress=progress,
            forward=self._networks_on,
        )

    def _networks_on(self, images: Tensor) -> tuple[NetworkOutput, NetworkOutput]:
        raw_a, raw_b = self._model(images)
        return NetworkOutput(*raw_a), NetworkOutput(*raw_b)

    def _teacher_probabilities(self, images: Tensor) -> Tensor:
        if self.state.teacher is None:
            raise TrainingError(f"A term of preset '{self._preset.name}' needs an EMA teacher: set its ema_decay.")
        with torch.no_grad(), self._fabric.autocast():
            return self.state.teacher.probabilities(images)

    def _parent_probabilities(self, images: Tensor) -> tuple[Tensor, Tensor]:
        if self._parent is None:
            raise TrainingError(f"A term of recipe '{self._preset.name}' needs a parent model: it is for fine-tuning.")
        with torch.no_grad(), self._fabric.autocast():
            (a, _), (b, _) = self._parent(images)
            return torch.softmax(a.float(), dim=1), torch.softmax(b.float(), dim=1)

    def _on_device(self, images: Tensor) -> Tensor:
        images = images.to(self._fabric.device, non_blocking=True)
        return images.contiguous(memory_format=torch.channels_last_3d) if images.dim() == 5 else images


def _at_rest(networks: DualNetwork, device: torch.device) -> DualNetwork:
    """A copy of `networks` that only predicts."""
    copied = copy.deepcopy(networks).requires_grad_(False).eval()
    return copied.to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]


def _keep_statistics(networks: nn.Module) -> None:
    for module in networks.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
