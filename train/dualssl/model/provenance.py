"""What a model's provenance says of its training, as far as it says it: manifests of other programs may not. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def case_names(listed: Any) -> tuple[str, ...]:
    """Names of cases from a field of a provenance; none where it holds no list."""
    return tuple(map(str, listed)) if isinstance(listed, list) else ()


def labelled_cases(provenance: Mapping[str, Any], dataset: str | None = None) -> tuple[str, ...]:
    """The cases whose labels a model was trained on.

    Args:
        provenance: of the model.
        dataset: only those of the dataset or library with this name; None takes all.
    """
    if dataset is not None and provenance.get("dataset") != dataset:
        return ()
    return case_names(provenance.get("labelled"))


def beginning(provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    """The provenance of the first model of a line, from that of any of them: it itself, or what fine-tuning kept in it."""
    before = provenance.get("parent_provenance")
    return before if isinstance(before, dict) else provenance
