"""Whether a model is for the structures, channels and size of some images. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dualssl.errors import PredictionError
from dualssl.volumes.orient import Orientation

if TYPE_CHECKING:
    from dualssl.case_files import CaseFiles
    from dualssl.errors import DualSSLError
    from dualssl.geometry import Geometry
    from dualssl.labels import LabelTable
    from dualssl.model.manifest import Manifest

FieldOfView = tuple[float, float, float]

AS_LARGE = 1.25
"""An image this many times as long as the longest that a model learned from is still of a kind with them."""


@dataclass(frozen=True)
class Misfit:
    """Where a model and cases differ, for a sentence that says so.

    Attributes:
        what: structures or channels.
        of_model, of_cases: their names, with commas between them.
    """

    what: Literal["structures", "channels"]
    of_model: str
    of_cases: str


def misfit(
    manifest: Manifest, labels: LabelTable, channel_names: Sequence[str], *, channels_by_name: bool = True
) -> Misfit | None:
    """The first difference between what a model is for and what cases have; None where there is none.

    Structures must have the same names in the same order.

    Args:
        manifest: of the model.
        labels: structures of the cases.
        channel_names: of the cases.
        channels_by_name: False only asks for the model's number of channels.
    """
    if manifest.labels.names != labels.names:
        return Misfit("structures", ", ".join(manifest.labels.names), ", ".join(labels.names))
    ours, theirs = tuple(manifest.channel_names), tuple(channel_names)
    if ours != theirs if channels_by_name else len(ours) != len(theirs):
        return Misfit("channels", ", ".join(ours), ", ".join(theirs))
    return None


def check_channel_count(manifest: Manifest, given: int) -> None:
    """See that there is a volume for each channel of a model, before it is loaded.

    Raises:
        PredictionError: there are more or fewer.
    """
    names = manifest.channel_names
    if len(names) != given:
        needs = "one volume" if len(names) == 1 else f"{len(names)} volumes of one patient at once"
        raise PredictionError(
            f"The model '{manifest.name}' needs {needs} ({', '.join(names)}), and {'one' if given == 1 else given} "
            f"{'is' if given == 1 else 'are'} given: choose a model for {'one volume' if given == 1 else f'{given} volumes'}."
        )


def reaches_beyond(field_of_view: FieldOfView | None, grid: Geometry) -> bool:
    """Whether a grid is clearly longer, along any axis, than all images that a model learned from: these may be cut out of
    such images, and then the networks have never seen what lies around the structure.

    Args:
        field_of_view: as the model's manifest has it; where nobody recorded it, everything is taken to have been seen.
        grid: of an image or of a region in it, of any orientation.
    """
    if field_of_view is None:
        return False
    return any(length > AS_LARGE * most for length, most in zip(_extent(grid), field_of_view, strict=True))


def size_advice(field_of_view: FieldOfView | None, grid: Geometry, what: str = "volume") -> str:
    """What to do where a grid `reaches_beyond` what a model has seen, in a sentence; empty where it does not.

    Args:
        field_of_view: as the model's manifest has it.
        grid: of the image or region.
        what: it is, for the sentence.
    """
    if field_of_view is None or not reaches_beyond(field_of_view, grid):
        return ""
    return (
        f"This {what} measures {_millimetres(_extent(grid))} (left-right, front-back, foot-head), and the model has "
        f"seen at most {_millimetres(field_of_view)} at once: choose a region of about that size around the structure."
    )


def check_fit(
    manifest: Manifest,
    cases: CaseFiles,
    error: type[DualSSLError],
    remedy: str,
    *,
    what: str = "Dataset",
    channels_by_name: bool = False,
) -> None:
    """See that a model is for the cases of a collection.

    Args:
        manifest: of the model.
        cases: the collection.
        error: what is raised.
        remedy: what a person should do, for the message.
        what: the collection is, for the message.
        channels_by_name: as for `misfit`.

    Raises:
        DualSSLError: of the class `error`; structures or channels differ.
    """
    found = misfit(manifest, cases.labels, cases.channel_names, channels_by_name=channels_by_name)
    if found is not None:
        verb = "has" if found.what == "structures" else "takes"
        raise error(
            f"{what} '{cases.name}' has the {found.what} {found.of_cases}, the model {verb} {found.of_model}: {remedy}."
        )


def _extent(grid: Geometry) -> FieldOfView:
    return Orientation.of(grid).of_geometry(grid).extent


def _millimetres(kji: FieldOfView) -> str:
    return " x ".join(f"{length:.0f}" for length in kji[::-1]) + " mm"
