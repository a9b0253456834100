"""The two files that make a model folder a MONAI bundle: `configs/metadata.json` and `configs/inference.json`.

Fields follow the MONAI bundle specification (https://docs.monai.io/en/stable/mb_specification.html) and its schema of
2024-07-25. One point differs on purpose: the specification's `models/model.pt` is a pickle, which a model folder never holds;
`network_def` loads the safetensors files instead. Free of torch.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from dualssl.model.card import INTENDED_USE, NOT_STATED, describe_normalisation, validation_figures
from dualssl.model.manifest import DOWNSAMPLINGS, Manifest, Normalisation
from dualssl.version import __version__

SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
SIDE_MULTIPLE = 2**DOWNSAMPLINGS

# What the transforms of the inference configuration need beside MONAI, in the versions they were tried with.
_ORIENTATION_NEEDS = {"nibabel": "5.4.2"}
_LARGEST_COMPONENT_NEEDS = {"scikit-image": "0.26.0"}

_MODALITIES = {"mri": "MR", "mr": "MR", "ct": "CT", "us": "US", "ultrasound": "US"}


def metadata(manifest: Manifest) -> dict[str, Any]:
    """Content of `configs/metadata.json`."""
    structures = ", ".join(manifest.labels.names)
    channels = {str(n): name for n, name in enumerate(("background", *manifest.labels.names))}
    classes = ", ".join(f"{n} is {name}" for n, name in channels.items())
    provenance = manifest.provenance
    return {
        "schema": SCHEMA,
        "version": "1.0.0",
        "changelog": {"1.0.0": f"model {manifest.id}; a model folder is never revised, a later model has an id of its own"},
        "name": manifest.name,
        "dualssl_model_id": manifest.id,
        "dualssl_parent_model_id": manifest.parent or "",
        "monai_version": _version_of("monai"),
        "pytorch_version": _version_of("torch"),
        "numpy_version": _version_of("numpy"),
        "required_packages_version": {
            "dualssl": __version__,
            "safetensors": _version_of("safetensors"),
            **_ORIENTATION_NEEDS,
            **(_LARGEST_COMPONENT_NEEDS if manifest.postprocessing.largest_component else {}),
        },
        "task": f"Segmentation of {structures} in 3D images ({', '.join(manifest.channel_names)})",
        "description": (
            "Two unlike networks (a V-Net and a V-Net decoder under a 3D ResNet-34 encoder), trained together "
            "semi-supervised. The prediction is the mean of their class probabilities; where it is uncertain or they "
            f"disagree, a person should look. Input sides may be any multiple of {SIDE_MULTIPLE}; the shape given is the "
            "training patch, in the order k, j, i."
        ),
        "authors": str(provenance.get("authors", NOT_STATED)),
        "copyright": str(provenance.get("copyright", NOT_STATED)),
        "data_source": str(provenance.get("data") or provenance.get("dataset", NOT_STATED)),
        "image_classes": "; ".join(
            f"{name}: {describe_normalisation(normalisation)}"
            for name, normalisation in zip(manifest.channel_names, manifest.preprocessing.normalisation, strict=True)
        ),
        "label_classes": f"one channel of label values: {classes}",
        "pred_classes": f"{len(channels)} channels of probabilities that add up to 1: {classes}",
        "eval_metrics": validation_figures(manifest),
        "intended_use": INTENDED_USE,
        "references": [str(text) for text in provenance.get("citations") or ()],
        "network_data_format": {
            "inputs": {"image": _input_format(manifest)},
            "outputs": {
                "pred": {
                    "type": "image",
                    "format": "labels",
                    "modality": "n/a",
                    "num_channels": len(channels),
                    "spatial_shape": window(manifest),
                    "dtype": "float32",
                    "value_range": [0, 1],
                    "is_patch_data": True,
                    "channel_def": channels,
                }
            },
        },
    }


def inference_config(manifest: Manifest) -> dict[str, Any]:
    """Content of `configs/inference.json`: components that MONAI's `ConfigParser` builds, from image file to label map.

    There is no evaluator (it would need PyTorch Ignite), hence nothing that `monai.bundle run` could start.
    """
    return {
        "_desc_": (
            "The model as MONAI components. `dualssl predict` is the way to run it: it also gives uncertainty, bounds memory "
            "and returns to the image's grid. Transforms are MONAI's closest equivalents: oriented and normalised alike, but "
            "intensities are clipped before resampling, and grids that become coarser are not smoothed first."
        ),
        "imports": [],
        "bundle_root": ".",
        "device": "cpu",
        "network_def": {
            "_target_": "dualssl.networks.ensemble.MeanOfPair.from_folder",
            "folder": "@bundle_root",
            "device": "@device",
        },
        "preprocessing": {"_target_": "Compose", "transforms": _preprocessing(manifest)},
        "inferer": {
            "_target_": "SlidingWindowInferer",
            "roi_size": window(manifest),
            "sw_batch_size": 1,
            "overlap": 0.25,
            "mode": "gaussian",
        },
        "postprocessing": {"_target_": "Compose", "transforms": _postprocessing(manifest)},
    }


def window(manifest: Manifest) -> list[int]:
    """The training patch (k, j, i), each side rounded up to what the networks take."""
    return [-(-n // SIDE_MULTIPLE) * SIDE_MULTIPLE for n in manifest.patch]


def _input_format(manifest: Manifest) -> dict[str, Any]:
    name = manifest.channel_names[0]
    clipped = all(n.kind != "zscore" for n in manifest.preprocessing.normalisation)
    return {
        "type": "image",
        "format": "magnitude",
        "modality": _MODALITIES.get(name.lower(), name) if len(manifest.channel_names) == 1 else "n/a",
        "num_channels": manifest.networks.in_channels,
        "spatial_shape": window(manifest),
        "dtype": "float32",
        "value_range": [0, 1] if clipped else [],
        "is_patch_data": True,
        "channel_def": {str(n): channel for n, channel in enumerate(manifest.channel_names)},
    }


def _preprocessing(manifest: Manifest) -> list[dict[str, Any]]:
    # Axes that grow towards S, P, L in this order are the canonical k, j, i of dualssl.volumes.orient.
    steps: list[dict[str, Any]] = [
        {"_target_": "LoadImaged", "keys": "image"},
        {"_target_": "EnsureChannelFirstd", "keys": "image"},
        {"_target_": "Orientationd", "keys": "image", "axcodes": "SPL", "labels": None},
    ]
    kinds = manifest.preprocessing.normalisation
    if len(kinds) == 1:
        steps.append(_normalisation("image", kinds[0]))
    else:
        parts = [f"image_{n}" for n in range(len(kinds))]
        steps.append({"_target_": "SplitDimd", "keys": "image", "dim": 0, "keepdim": True})
        steps += [_normalisation(part, kind) for part, kind in zip(parts, kinds, strict=True)]
        steps.append({"_target_": "ConcatItemsd", "keys": parts, "name": "image", "dim": 0})
        steps.append({"_target_": "DeleteItemsd", "keys": parts})
    if manifest.preprocessing.spacing is not None:
        spacing = list(manifest.preprocessing.spacing)
        resampling = {"_target_": "Spacingd", "keys": "image", "pixdim": spacing, "mode": "bilinear", "padding_mode": "border"}
        # Scaled by extent, the first voxel's corner stays in place, as in dualssl.volumes.resample; else its centre would.
        steps.append({**resampling, "scale_extent": True})
    steps.append({"_target_": "EnsureTyped", "keys": "image", "dtype": "$torch.float32"})
    return steps


def _normalisation(key: str, normalisation: Normalisation) -> dict[str, Any]:
    if normalisation.kind == "zscore":
        return {"_target_": "NormalizeIntensityd", "keys": key}
    to_unit = {"b_min": 0.0, "b_max": 1.0, "clip": True}
    if normalisation.kind == "window":
        limits = {"a_min": normalisation.low, "a_max": normalisation.high}
        return {"_target_": "ScaleIntensityRanged", "keys": key, **limits, **to_unit}
    limits = {"lower": normalisation.low, "upper": normalisation.high}
    return {"_target_": "ScaleIntensityRangePercentilesd", "keys": key, **limits, **to_unit}


def _postprocessing(manifest: Manifest) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = [{"_target_": "AsDiscreted", "keys": "pred", "argmax": True}]
    kept = list(manifest.postprocessing.largest_component)
    if kept:
        component = {"_target_": "KeepLargestConnectedComponentd", "keys": "pred", "applied_labels": kept, "is_onehot": False}
        steps.append({**component, "independent": True})
    return steps


def _version_of(package: str) -> str:
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return "unknown"
