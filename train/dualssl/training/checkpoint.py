"""Checkpoints: everything a run needs to go on as if it had never stopped, in one safetensors file (no pickle).

Batches and dropout are functions of the iteration (`dualssl.data.randomness`), so weights, optimiser state, teacher, the
terms' buffers and the iteration are all there is to keep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from dualssl.errors import TrainingError
from dualssl.files import atomic_write
from dualssl.training.ema import EmaTeacher

FORMAT_VERSION = 1


@dataclass
class TrainingState:
    """What changes while training.

    Attributes:
        networks: the student pair.
        terms: the terms of the loss, for their buffers.
        optimiser: its momenta.
        teacher: the EMA teacher, or None.
        iteration: optimiser steps done.
        parts: into how many parts a batch is split, grown when memory ran out.
        seconds: time spent training so far.
        scaler: gradient scaler's state with 16-bit floats, else empty.
    """

    networks: nn.Module
    terms: nn.ModuleDict
    optimiser: torch.optim.Optimizer
    teacher: EmaTeacher | None
    iteration: int = 0
    parts: int = 1
    seconds: float = 0.0
    scaler: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(path: Path, state: TrainingState) -> None:
    """Write `state` atomically: a crash leaves the previous checkpoint whole.

    Raises:
        OutputError: the file cannot be written, for instance because the disk is full.
    """
    tensors: dict[str, Tensor] = {}
    tensors.update(_prefixed("student", state.networks.state_dict()))
    tensors.update(_prefixed("terms", state.terms.state_dict()))
    if state.teacher is not None:
        tensors.update(_prefixed("teacher", state.teacher.networks.state_dict()))
    for index, moments in state.optimiser.state_dict()["state"].items():
        tensors.update(_prefixed(f"optimiser.{index}", {k: torch.as_tensor(v) for k, v in moments.items() if v is not None}))
    metadata = {
        "format_version": str(FORMAT_VERSION),
        "iteration": str(state.iteration),
        "parts": str(state.parts),
        "seconds": repr(state.seconds),
        "teacher_updates": str(state.teacher.updates if state.teacher else 0),
        "scaler": json.dumps(state.scaler),
    }
    with atomic_write(path) as temporary:
        save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, temporary, metadata)


def load_checkpoint(path: Path, state: TrainingState) -> None:
    """Bring `state` to where the checkpoint was written.

    Raises:
        TrainingError: there is no checkpoint, it is damaged, or it belongs to other networks.
    """
    if not path.is_file():
        raise TrainingError(f"There is no checkpoint {path} to resume from: start the run from its beginning.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
        if metadata.get("format_version") != str(FORMAT_VERSION):
            raise TrainingError(f"{path} was written by another version of dualssl: finish the run with that version.")
        state.networks.load_state_dict(_part(tensors, "student"))
        state.terms.load_state_dict(_part(tensors, "terms"))
        if state.teacher is not None:
            state.teacher.networks.load_state_dict(_part(tensors, "teacher"))
            state.teacher.updates = int(metadata["teacher_updates"])
        _load_optimiser(state.optimiser, _part(tensors, "optimiser"))
        state.iteration = int(metadata["iteration"])
        state.parts = int(metadata["parts"])
        state.seconds = float(metadata["seconds"])
        state.scaler = json.loads(metadata["scaler"])
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise TrainingError(
            f"The checkpoint {path} cannot be used ({str(error).splitlines()[0]}): restore an intact copy, or start a new run "
            "elsewhere."
        ) from error


def _load_optimiser(optimiser: torch.optim.Optimizer, moments: dict[str, Tensor]) -> None:
    stored = optimiser.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in moments.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": stored["param_groups"]})


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{key}": value for key, value in tensors.items()}


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key[len(prefix) + 1 :]: value for key, value in tensors.items() if key.startswith(f"{prefix}.")}
