"""Save and load model folders. A folder is a MONAI bundle without pickles: two safetensors files, JSON and text.

Importing this module, `read_manifest`, `verify_model` and `describe_model` do not need torch; saving and loading do.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dualssl.errors import ModelError, OutputError
from dualssl.files import atomic_folder, json_text
from dualssl.model import layout
from dualssl.model.bundle import inference_config, metadata
from dualssl.model.card import describe, licence_note, model_card
from dualssl.model.integrity import ModelInfo, read_manifest, verify_model, write_checksums
from dualssl.model.manifest import Manifest

if TYPE_CHECKING:
    from dualssl.networks.pair import DualNetwork

__all__ = ["ModelInfo", "describe_model", "load_model", "new_model_id", "read_manifest", "save_model", "verify_model"]

_SLUG_LENGTH = 40


def save_model(
    folder: Path,
    manifest: Manifest,
    networks: DualNetwork,
    dtype: Literal["float32", "float16"] = "float32",
    replace: bool = False,
) -> None:
    """Write a model folder, whole or not at all.

    Args:
        folder: where it goes; folders above it are created.
        manifest: what the model is.
        networks: the pair, on any device.
        dtype: type in which parameters are stored; `float16` halves the folder, `load_model` gives float32 again.
        replace: exchange a model folder that is there. Until the new one is complete, the old one stays.

    Raises:
        ModelError: the manifest does not describe these networks or is not plain data, or a weight is not finite.
        OutputError: `folder` exists and is not to be replaced or is no model folder, or cannot be written.
    """
    from dualssl.model.weights import serialise

    if networks.spec != manifest.networks:
        raise ModelError(f"The manifest describes {manifest.networks}, the networks are {networks.spec}: let them agree.")
    # What a reader would refuse is not written.
    Manifest.from_json(manifest.to_json())
    if replace and folder.exists() and not _may_give_way(folder):
        raise OutputError(f"{folder} exists and is no model folder, so it is not replaced: choose another folder.")
    content = _texts(manifest)
    with atomic_folder(folder, replace) as temporary:
        for name, text in content.items():
            (temporary / name).parent.mkdir(exist_ok=True)
            (temporary / name).write_text(text, encoding="utf-8", newline="\n")
        for name, network in ((layout.WEIGHTS_A, networks.a), (layout.WEIGHTS_B, networks.b)):
            (temporary / name).parent.mkdir(exist_ok=True)
            (temporary / name).write_bytes(serialise(network, dtype))
        write_checksums(temporary)


def load_model(folder: Path, device: str = "cpu", verify: bool = True) -> tuple[DualNetwork, Manifest]:
    """Read a model folder's networks, in evaluation mode and float32.

    Args:
        folder: the model folder.
        device: as torch names it.
        verify: compare all files with their checksums first; leave out only right after `verify_model`.

    Raises:
        ModelError: as `verify_model`, or the weights do not fit the networks that the manifest describes.
    """
    import torch

    from dualssl.model.weights import load_into
    from dualssl.networks.pair import DualNetwork

    manifest = verify_model(folder).manifest if verify else read_manifest(folder)
    # Without initial weights: none would stay, and drawing them would disturb the random state of whoever loads.
    with torch.device("meta"):
        networks = DualNetwork(manifest.networks)
    load_into(networks.a, folder / layout.WEIGHTS_A)
    load_into(networks.b, folder / layout.WEIGHTS_B)
    return networks.to(device).eval(), manifest


def describe_model(folder: Path) -> dict[str, str]:
    """Heading to text for people, from the manifest alone: nothing is verified.

    Raises:
        ModelError: as `read_manifest`.
    """
    return describe(read_manifest(folder))


def new_model_id(name: str, when: datetime, networks: DualNetwork, more: str = "") -> str:
    """An id for a new model, e.g. `left-atrium-20260131-4f2a91c0`: name, date and the weights' SHA-256, shortened.

    Args:
        name: of the model.
        when: it was made.
        networks: its weights.
        more: what else tells it from other models of the same weights; empty where nothing does.

    Raises:
        ModelError: a weight is not finite.
    """
    from dualssl.model.weights import digest

    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:_SLUG_LENGTH].strip("-") or "model"
    sha256 = digest(networks.a, networks.b)
    if more:
        sha256 = hashlib.sha256((sha256 + more).encode()).hexdigest()
    return f"{slug}-{when:%Y%m%d}-{sha256[:8]}"


def _texts(manifest: Manifest) -> dict[str, str]:
    """Name to content of every file but weights and checksums."""
    try:
        return {
            layout.MANIFEST: json_text(manifest.to_json()),
            layout.METADATA: json_text(metadata(manifest)),
            layout.INFERENCE: json_text(inference_config(manifest)),
            layout.CARD: model_card(manifest),
            layout.LICENCE: licence_note(manifest) + "\n",
        }
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"The manifest cannot be stored as JSON ({error}): keep to finite numbers, texts, lists and dicts in it."
        ) from error


def _may_give_way(folder: Path) -> bool:
    return folder.is_dir() and ((folder / layout.MANIFEST).is_file() or not any(folder.iterdir()))
