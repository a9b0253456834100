"""Ids of versions: a free and safe one for a new model, and the nearest to one that a person mistyped."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from dualssl.registry.state import is_version_id

_LONGEST = 80

# Windows keeps these for devices, with any ending.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


def free_id(model_id: str, taken: Collection[str]) -> str:
    """An id for a new version: the model's id if it is safe as a folder's name and free, else one made from it.

    A model's id ends in 32 bits of a digest of its weights, so two models may share one by chance, and a manifest may hold any
    text at all.

    Args:
        model_id: from the manifest.
        taken: ids in use. Those that differ only in case count, for some file systems make no difference.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", model_id)[:_LONGEST].strip("._-")
    if not is_version_id(plain) or _RESERVED.fullmatch(plain):
        plain = f"model-{plain}".rstrip("-")
    in_use = {name.casefold() for name in taken}
    candidate, number = plain, 1
    while candidate.casefold() in in_use:
        number += 1
        candidate = f"{plain}-{number}"
    return candidate


def nearest(wanted: str, known: Collection[str]) -> str:
    """The end of the sentence "There is no version `wanted` in the registry: ": ids much like it, else some that there are."""
    if not known:
        return "it is empty, so add a model first"
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.6)
    near += [name for name in sorted(known) if wanted and name.startswith(wanted) and name not in near][:3]
    if near:
        return f"use {' or '.join(near)}, which is the nearest"
    shown = sorted(known)[-5:]
    return f"choose one of {', '.join(shown)}{' or another' if len(known) > len(shown) else ''}"
