"""What a registry asks before it takes a model in or lets a version become active."""

from __future__ import annotations

from typing import NoReturn

from dualssl.errors import RegistryError
from dualssl.model.manifest import Manifest
from dualssl.registry.names import nearest
from dualssl.registry.state import RegistryState, VersionRecord
from dualssl.registry.verdict import Verdict


def refuse_known(state: RegistryState, model_id: str, checksums_sha256: str) -> None:
    """See that a model is new.

    Raises:
        RegistryError: the very same files are in the registry.
    """
    for record in state.versions:
        if record.checksums_sha256 == checksums_sha256:
            raise RegistryError(f"Model '{model_id}' is in the registry already, as version {record.id}: use that one.")


def parent_of(state: RegistryState, manifest: Manifest, parent: str | None) -> VersionRecord | None:
    """The version that a model comes from; None for the first of a line.

    Args:
        state: of the registry.
        manifest: the model's; names its parent by the id of that model.
        parent: id of the version, where it was said.

    Raises:
        RegistryError: it is not in the registry, it is not the manifest's, or the manifest's may be one of several.
    """
    if parent is not None:
        return _said_parent(state, manifest, parent)
    if manifest.parent is None:
        return None
    found = [record for record in state.versions if record.model_id == manifest.parent]
    if not found:
        raise RegistryError(
            f"Model '{manifest.id}' comes from '{manifest.parent}', which is not in the registry: add that model first, or add "
            "this one without a parent.",
            command_line="--without-parent",
        )
    if len(found) > 1:
        raise RegistryError(
            f"Model '{manifest.id}' comes from '{manifest.parent}', which can be {' or '.join(r.id for r in found)} here: "
            "say which of them is the parent.",
            command_line="--parent VERSION",
        )
    return found[0]


def _said_parent(state: RegistryState, manifest: Manifest, parent: str) -> VersionRecord:
    records = {record.id: record for record in state.versions}
    if parent not in records:
        raise RegistryError(f"There is no version '{parent}' to be the parent of '{manifest.id}': {nearest(parent, records)}.")
    if manifest.parent not in (None, records[parent].model_id):
        raise RegistryError(
            f"Model '{manifest.id}' comes from '{manifest.parent}', not from version '{parent}': name the parent that it has."
        )
    return records[parent]


def check_verdict(verdict: Verdict | None, manifest: Manifest, parent: VersionRecord | None) -> None:
    """See that a verdict is about this model and its parent.

    Raises:
        RegistryError: it is about others, or there is no parent.
    """
    if verdict is None:
        return
    if parent is None:
        raise RegistryError(f"Model '{manifest.id}' has a verdict but no parent: name the version that it was compared with.")
    if verdict.child and verdict.child != manifest.id:
        raise RegistryError(
            f"The verdict is about model '{verdict.child}', not about '{manifest.id}': give the verdict of this model."
        )
    if verdict.parent and verdict.parent != parent.model_id:
        raise RegistryError(
            f"The verdict compares '{manifest.id}' with '{verdict.parent}', but its parent is '{parent.model_id}': compare it "
            "with its parent."
        )


def refuse_unproposed(record: VersionRecord) -> NoReturn:
    """Say why a version does not become active without force.

    Raises:
        RegistryError: always.
    """
    if record.verdict is None:
        why = "it was not compared with its parent" if record.parent else "it has no parent that it could be better than"
    else:
        why = str(record.verdict["reason"]).rstrip(".")
    raise RegistryError(
        f"Version {record.id} is not proposed ({why}): only by force it is activated all the same.", command_line="--force"
    )
