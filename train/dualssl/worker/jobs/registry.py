"""`registry`, `add_model`, `activate`, `rollback`, `discard`: the versions of a model and which is in use."""

from __future__ import annotations

from typing import Any

from dualssl.registry.state import VersionRecord
from dualssl.registry.versions import ModelRegistry, is_registry
from dualssl.worker.requests import Params
from dualssl.worker.task import Task


def registry(task: Task, params: Params) -> dict[str, Any]:  # noqa: ARG001 - as every job
    """All versions of the registry `folder`, in the order of adding.

    Returns:
        `folder`; `active`: id of the version in use, or None; `before`: id of the one that rolling back would make active, or
        None; `versions`: see `version_json`.
    """
    opened = _opened(params, "folder")
    params.end()
    state = opened.state()
    return {
        "folder": str(opened.folder),
        "active": state.active_id,
        "before": state.history[-2] if len(state.history) > 1 else None,
        "versions": [version_json(opened, record) for record in state.records()],
    }


def add_model(task: Task, params: Params) -> dict[str, Any]:
    """Copy `model` (folder) into `registry`, which is made where there is none. The first model of all becomes the one in use.

    Returns:
        `version`.
    """
    folder, model = params.path("registry"), params.path("model")
    params.end()
    task.tell("Copying the model")
    opened = ModelRegistry.open(folder) if is_registry(folder) else ModelRegistry.create(folder)
    record = opened.register(model, without_parent=True)
    if opened.active() is None:
        record = opened.activate(record.id)
    return {"version": version_json(opened, record)}


def activate(task: Task, params: Params) -> dict[str, Any]:  # noqa: ARG001 - as every job
    """Make `version` of `registry` the one in use; `force` also one that is not proposed.

    Returns:
        `version`; `before`: id of the one that was in use, or None.
    """
    opened = _opened(params)
    version, force = params.text("version"), params.flag("force", False)
    params.end()
    before = opened.active()
    record = opened.activate(version, force=force)
    return {"version": version_json(opened, record), "before": None if before is None else before.id}


def rollback(task: Task, params: Params) -> dict[str, Any]:  # noqa: ARG001 - as every job
    """Make the version of `registry` active again that was so before the present one.

    Returns:
        `version`.
    """
    opened = _opened(params)
    params.end()
    return {"version": version_json(opened, opened.rollback())}


def discard(task: Task, params: Params) -> dict[str, Any]:  # noqa: ARG001 - as every job
    """Take `version` out of `registry`; nothing is deleted.

    Returns:
        `version` (id) and `trash`, where it now lies.
    """
    opened = _opened(params)
    version = params.text("version")
    params.end()
    return {"version": version, "trash": str(opened.remove(version))}


def version_json(opened: ModelRegistry, record: VersionRecord) -> dict[str, Any]:
    """A version for front ends: its record, its `state`, whether it is `active`, and the `folder` of its model."""
    return {
        **record.to_json(),
        "state": record.state,
        "active": record.active,
        "folder": str(opened.model_folder(record.id)),
    }


def _opened(params: Params, name: str = "registry") -> ModelRegistry:
    return ModelRegistry.open(params.path(name))
