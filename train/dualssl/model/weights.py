"""Weights of one network to safetensors and back, strictly: every name and shape must be the network's own. Needs torch."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from dualssl.errors import ModelError

WeightType = Literal["float32", "float16"]


def serialise(network: nn.Module, dtype: WeightType = "float32") -> bytes:
    """The network's state as a safetensors file.

    Parameters are stored as `dtype`. Buffers keep theirs: BatchNorm's running variance is small beside the weights and can
    leave the range of float16; its batch counter is an integer.

    Raises:
        ModelError: a weight is NaN or infinite, or becomes so in float16.
    """
    stored = torch.float16 if dtype == "float16" else torch.float32
    parameters = {name for name, _ in network.named_parameters()}
    tensors: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        kept = tensor.detach().cpu()
        if not bool(torch.isfinite(kept).all()):
            raise ModelError(f"Weight {name} has NaN or infinite values: train anew, with a lower learning rate.")
        if name in parameters:
            kept = kept.to(stored)
            if not bool(torch.isfinite(kept).all()):
                raise ModelError(f"Weight {name} exceeds the range of float16: save the model as float32.")
        tensors[name] = kept.contiguous()
    return save(tensors, {"format": "pt"})


def digest(*networks: nn.Module) -> str:
    """SHA-256 (64 hexadecimal digits) of the float32 weights of all networks, in their order."""
    sha256 = hashlib.sha256()
    for network in networks:
        sha256.update(serialise(network))
    return sha256.hexdigest()


def load_into(network: nn.Module, path: Path) -> None:
    """Give `network`, which may be on the meta device, the weights in `path`, on the CPU and in its own types.

    Raises:
        ModelError: the file is no safetensors file, or a weight is missing, of another shape or kind, or not the network's.
    """
    try:
        # Read whole, not mapped: the file may be replaced or deleted while the model is in use.
        stored = load(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): get an intact copy of the model folder.") from error
    except (SafetensorError, KeyError, ValueError) as error:
        raise ModelError(f"{path} is no intact safetensors file: get an intact copy of the model folder.") from error
    expected = network.state_dict()
    for name, own in expected.items():
        if name not in stored:
            raise _mismatch(path, f"lacks weight {name}")
        if stored[name].shape != own.shape:
            raise _mismatch(path, f"has weight {name} of shape {tuple(stored[name].shape)} instead of {tuple(own.shape)}")
        if stored[name].is_floating_point() != own.is_floating_point():
            raise _mismatch(path, f"has weight {name} as {stored[name].dtype} instead of {own.dtype}")
    for name in stored:
        if name not in expected:
            raise _mismatch(path, f"has a weight {name} that the network does not know")
    network.load_state_dict({name: stored[name].to(own.dtype) for name, own in expected.items()}, assign=True)


def _mismatch(path: Path, what: str) -> ModelError:
    return ModelError(f"{path} {what}, so it belongs to another network: get the model folder's own copy of it.")
