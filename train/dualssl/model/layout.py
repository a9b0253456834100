"""Which files a model folder holds."""

from __future__ import annotations

from pathlib import PurePosixPath

MANIFEST = "configs/dualssl.json"
METADATA = "configs/metadata.json"
INFERENCE = "configs/inference.json"
WEIGHTS_A = "models/network_a.safetensors"
WEIGHTS_B = "models/network_b.safetensors"
CARD = "docs/README.md"
LICENCE = "LICENSE"
CHECKSUMS = "checksums.json"

REQUIRED = (MANIFEST, METADATA, INFERENCE, WEIGHTS_A, WEIGHTS_B, CARD, LICENCE)
"""Every file but the list of checksums, which lists these."""

# What file managers leave behind; it is nobody's tampering.
_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", ".directory"})

# Formats that run code when opened, or habitually hold such: no reason to be in a folder that only has safetensors and text.
_PICKLES = frozenset({".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".ts", ".joblib", ".npy", ".npz"})


def is_litter(name: str) -> bool:
    """Whether a file of this name comes from a file manager."""
    return name in _LITTER or name.startswith("._")


def looks_like_pickle(name: str) -> bool:
    """Whether a file of this name may run code when it is opened."""
    return bool({suffix.lower() for suffix in PurePosixPath(name).suffixes} & _PICKLES)


def is_inside(name: str) -> bool:
    """Whether a file name from a list of checksums stays inside the folder, in the one spelling that is written."""
    path = PurePosixPath(name)
    return bool(path.parts) and str(path) == name and not path.is_absolute() and ".." not in path.parts and "\\" not in name
