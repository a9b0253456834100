"""What is shown where a volume is segmented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from DualSSLSegmentationLib.presentation.offer import Offer
from DualSSLSegmentationLib.texts import tr as _

if TYPE_CHECKING:
    from DualSSLSegmentationLib.jobs.modelCatalogue import ModelChoice
    from DualSSLSegmentationLib.review.caseSession import CaseSession


@dataclass(frozen=True)
class SegmentView:
    """Of the one button that starts and stops.

    Attributes:
        button: its text.
        press: what pressing it does.
        modelNote: what there is to say of the chosen model.
        chooseModel: of the list of models.
    """

    button: str
    press: Offer
    modelNote: str
    chooseModel: Offer


def segmentView(running: bool, image: Any, choice: ModelChoice | None, anyModel: bool, region: Any = None) -> SegmentView:
    """As things are.

    Args:
        running: whether a segmentation goes on.
        image: the chosen volume node, or None.
        choice: the chosen model, or None.
        anyModel: whether there is a model at all.
        region: vtkMRMLMarkupsROINode to segment in, or None for the whole volume.
    """
    noModel = "" if anyModel else _("No model is installed: add one in Set-up")
    note = choice.description if choice is not None else (f"{noModel}." if noModel else _("Choose a model."))
    models = Offer(_("Model that segments"), noModel)
    if running:
        return SegmentView(_("Cancel"), Offer(_("Stop; nothing of it stays")), note, models)
    why = _whyNot(choice)
    if image is None:
        why = _("Load a volume first, and choose it")
    does = _("Segment the volume and find where the result is uncertain")
    if region is not None:
        does = _("Segment the region and find where the result is uncertain")
    return SegmentView(_("Segment"), Offer(does, why), note, models)


def _whyNot(choice: ModelChoice | None) -> str:
    if choice is None:
        return _("Choose a model first")
    if len(choice.channels) > 1:
        text = _("This model needs {count} volumes of one patient at once ({names}): choose one that needs a single volume")
        return text.format(count=len(choice.channels), names=", ".join(choice.channels))
    return ""


def resultText(session: CaseSession | None) -> str:
    """With what, where and how fast the case in hand was segmented; empty without a case."""
    facts = {} if session is None else session.case.provenance
    if not facts:
        return ""
    try:
        seconds = f"{float(facts.get('seconds', 0.0)):.1f}"
    except (TypeError, ValueError):
        seconds = "?"
    return _("Segmented with {model} on {device} in {seconds} s.").format(
        model=facts.get("model_name", "?"), device=str(facts.get("device", "?")).split(",")[0], seconds=seconds
    )
