"""`models`: the models in some folders, for a person to choose from. Nothing is verified, so that it is quick."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dualssl.errors import DualSSLError
from dualssl.model.card import describe
from dualssl.model.integrity import read_manifest
from dualssl.model.layout import MANIFEST
from dualssl.model.manifest import Manifest
from dualssl.registry.versions import ModelRegistry, is_registry
from dualssl.worker.requests import Params, absolute_path
from dualssl.worker.task import Task


def models(task: Task, params: Params) -> list[dict[str, Any]]:
    """The models in `folders`, each of which is a model, a registry, or a folder of models.

    Returns:
        For each `folder`, `id`, `name`, `structures`, `channels`, `trained_on`, `created`, `size` in bytes; `registry`,
        `version` (its number) and `state` there, or None; `error`: why it cannot be used (then the rest is None), else None.
        No folder is listed twice.
    """
    folders = [absolute_path(folder, "folders") for folder in params.texts("folders") or ()]
    params.end()
    found: dict[str, dict[str, Any]] = {}
    for folder in folders:
        task.check()
        for model in _in(folder):
            found.setdefault(model["folder"], model)
    return list(found.values())


def _in(folder: Path) -> Iterator[dict[str, Any]]:
    try:
        if is_registry(folder):
            yield from _versions(folder)
        elif (folder / MANIFEST).is_file():
            yield _model(folder)
        elif folder.is_dir():
            inside = sorted(path for path in folder.iterdir() if (path / MANIFEST).is_file())
            yield from (_model(path) for path in inside)
        else:
            yield _unusable(folder, f"There is no folder {folder}: choose another one.")
    except DualSSLError as error:
        yield _unusable(folder, str(error))
    except OSError as error:
        yield _unusable(folder, f"{folder} cannot be read ({error.strerror or error}): check its permissions and the disk.")


def _versions(folder: Path) -> Iterator[dict[str, Any]]:
    registry = ModelRegistry.open(folder)
    for record in registry.list():
        more = {"registry": str(folder), "version": record.number, "state": record.state}
        yield {**_model(registry.model_folder(record.id)), **more}


def _model(folder: Path) -> dict[str, Any]:
    try:
        manifest = read_manifest(folder)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    except DualSSLError as error:
        return _unusable(folder, str(error))
    except OSError as error:
        return _unusable(folder, f"{folder} cannot be read ({error.strerror or error}): check its permissions and the disk.")
    return {
        **_unusable(folder, None),
        "id": manifest.id,
        "name": manifest.name,
        "structures": list(manifest.labels.names),
        "channels": list(manifest.channel_names),
        "trained_on": _trained_on(manifest),
        "created": str(manifest.provenance.get("created") or ""),
        "size": size,
    }


def _unusable(folder: Path, error: str | None) -> dict[str, Any]:
    nothing = dict.fromkeys(("id", "name", "structures", "channels", "trained_on", "created", "size"))
    return {"folder": str(folder), **nothing, "registry": None, "version": None, "state": None, "error": error}


def _trained_on(manifest: Manifest) -> str:
    """Such as `LA2018: 8 labelled cases, 72 unlabelled`; what nobody recorded is left out."""
    facts = describe(manifest)
    counts = [
        f"{facts[heading]} {words}"
        for heading, words in (("Labelled cases", "labelled"), ("Unlabelled cases", "unlabelled"))
        if facts.get(heading)
    ]
    return ": ".join(filter(None, (facts.get("Dataset", ""), ", ".join(counts))))
