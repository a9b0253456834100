"""What can be known before a fine-tuning begins: whether it can work, how long it takes, and what is worth saying first."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from dualssl.cases.library import CaseLibrary
from dualssl.devices import DeviceChoice, native_bfloat16, resolve_device
from dualssl.errors import TrainingError
from dualssl.finetune.plan import FineTunePlan
from dualssl.finetune.run import Parent, recipe_of
from dualssl.networks.pair import DualNetwork
from dualssl.prediction.memory import available_bytes

# Bytes that a step takes above the weights, for each voxel of a batch and each filter of base width: on the CPU in bfloat16 131
# (width 8) and 90 (width 16) were measured, activations kept for the backward pass for the most part.
_STEP_BYTES = 150
# Student, two moments of Adam, gradient, EMA teacher, parent at rest.
_COPIES = 6
# A checkpoint holds student, moments and teacher, and is written beside the one before it; then comes the model.
_COPIES_ON_DISK = 2 * 4 + 1
# A whole step over bare passes of the student, with the passes of parent and teacher, terms and optimiser: 2.0 and 2.5 were
# measured on one thread beside other work (width 8).
_STEP_OVER_PASSES = 2.0
_RESERVE = 256 << 20


@dataclass(frozen=True)
class Preflight:
    """What came out.

    Attributes:
        seconds: estimate for one fine-tuning on this device, reading the cases not counted.
        notes: sentences that a person should read before it starts; they hinder nothing.
    """

    seconds: float
    notes: tuple[str, ...]


def preflight(library: CaseLibrary, parent: Parent, plan: FineTunePlan, folder: Path, device: DeviceChoice) -> Preflight:
    """See that a fine-tuning can work.

    Args:
        library: holds the corrected cases; their label maps are read and compared with their checksums.
        parent: the model.
        plan: what is to be done.
        folder: where it is to be done; need not exist.
        device: where to train.

    Raises:
        TrainingError: too little memory on the device, too little main memory or too little disk, or no such device.
        LibraryError, VolumeError: the labels of a case are altered or do not fit.
    """
    where = torch.device(resolve_device(device, TrainingError).type)
    weights = 4 * sum(p.numel() for p in parent.networks.parameters())
    _check_disk(folder, _COPIES_ON_DISK * weights)
    _check_memory(where, plan, parent, weights)
    for name, version in plan.corrected.items():
        library.read_labels(name, version)
    return Preflight(_seconds(where, plan, parent), _notes(plan, parent))


def _check_disk(folder: Path, needed: int) -> None:
    there = next(path for path in (folder, *folder.resolve().parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    if free < needed + _RESERVE:
        raise TrainingError(
            f"The disk of {folder} has {_gigabytes(free)} free, fine-tuning needs {_gigabytes(needed + _RESERVE)}: free some "
            "space, or choose a folder on another disk."
        )


def _check_memory(where: torch.device, plan: FineTunePlan, parent: Parent, weights: int) -> None:
    patch = plan.settings.patch or parent.manifest.patch
    needed = _COPIES * weights + _STEP_BYTES * plan.settings.batch * math.prod(patch) * parent.manifest.networks.width
    needed *= 1 if native_bfloat16(where) or where.type == "cuda" else 2
    if where.type == "cuda":
        free, what = torch.cuda.mem_get_info(where)[0], "GPU"
    else:
        free, what = available_bytes(), "computer"
    if free < needed:
        raise TrainingError(
            f"The {what} has {_gigabytes(free)} of memory free, fine-tuning with patches of {' x '.join(map(str, patch))} "
            f"voxels needs about {_gigabytes(needed)}: close other programs, or use smaller patches."
        )


def _seconds(where: torch.device, plan: FineTunePlan, parent: Parent) -> float:
    """Time of the whole run, from one timed pass of a copy of the networks forth and back."""
    networks = DualNetwork(parent.manifest.networks).to(where, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    patch = plan.settings.patch or parent.manifest.patch
    images = torch.zeros((plan.settings.batch, parent.manifest.networks.in_channels, *patch), device=where)
    images = images.to(memory_format=torch.channels_last_3d)

    def once() -> float:
        began = time.perf_counter()
        with torch.autocast(where.type, dtype=torch.bfloat16, enabled=native_bfloat16(where)):
            (a, _), (b, _) = networks(images)
        (a.float().mean() + b.float().mean()).backward()
        if where.type == "cuda":
            torch.cuda.synchronize(where)
        return time.perf_counter() - began

    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        # The first pass also chooses algorithms and reserves memory.
        once()
        pass_seconds = once()
    return plan.settings.iterations * pass_seconds * _STEP_OVER_PASSES


def _notes(plan: FineTunePlan, parent: Parent) -> tuple[str, ...]:
    notes = []
    if len(plan.corrected) == 1:
        notes.append("One corrected case teaches little beyond itself, and on one case no gain can be proved.")
    if not plan.replay:
        instead = "distillation from the parent on the pool stands in" if plan.pool else "nothing stands in for them"
        notes.append(f"The cases that the parent learned from are not at hand: {instead}, so watch for forgetting.")
    if plan.too_large:
        count = "One case" if len(plan.too_large) == 1 else f"{len(plan.too_large)} cases"
        notes.append(
            f"{count} without labels left out: larger than all that the model knows ({', '.join(plan.too_large[:5])})."
        )
    if not plan.pool:
        notes.append("There is no case without labels to be used: fine-tuning is supervised only.")
    preset = recipe_of(plan, parent.manifest)
    if plan.pool and not preset.uses_unlabelled:
        notes.append("With these parts left out, the cases without labels are not used.")
    return tuple(notes)


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
