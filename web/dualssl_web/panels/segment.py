"""Choose a model, and segment; ask how a new result and a person's work come together."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_slicer.segmentation import SegmentationEffectNoTool

from dualssl_web.panels import widgets
from DualSSLSegmentationLib.display.navigation import crossing
from DualSSLSegmentationLib.jobs.segmenting import SegmentRequest
from DualSSLSegmentationLib.presentation.deviceOffers import deviceOffers
from DualSSLSegmentationLib.presentation.mergeQuestion import mergeFor, mergeQuestion, needsAsking
from DualSSLSegmentationLib.presentation.regionView import regionSize, regionView
from DualSSLSegmentationLib.presentation.segmentView import resultText, segmentView
from DualSSLSegmentationLib.scene.roi import placeRegion, roiBounds, setAdjustable, watchRegion

if TYPE_CHECKING:
    from collections.abc import Callable

    from dualssl_web.panels.bench import Bench
    from DualSSLSegmentationLib.jobs.modelCatalogue import ModelChoice
    from DualSSLSegmentationLib.presentation.mergeQuestion import MergeQuestion
    from DualSSLSegmentationLib.review.caseSession import CaseSession

_log = logging.getLogger(__name__)


class SegmentPanel:
    """Segment and Cancel are one button, so that the eye need not leave it.

    Args:
        bench: shared by the panels.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._question: MergeQuestion | None = None
        bench.put("question", None)
        self._devices: list[dict[str, Any]] = []
        self._stop_watching: Callable[[], None] | None = None
        self._editor = bench.web.scene.app.segmentation_editor
        self._editor.active_effect_name_changed.connect(self._tool_changed)
        self._stops = [
            bench.onShow.add(self.show),
            bench.workspace.onCase.add(self._case_opened),
            bench.workspace.onModels.add(self._models_changed),
        ]
        bench.choices.bind_changes({bench.choices.name.model: bench.changed, bench.choices.name.volume: self._volume_changed})
        self.show()

    @property
    def image(self) -> Any:
        """The chosen volume node, or None."""
        identity = self._bench.chosen.volume
        return self._bench.workspace.scene.GetNodeByID(identity) if identity else None

    @property
    def region(self) -> Any:
        """The region of interest in it, a vtkMRMLMarkupsROINode, or None for the whole volume."""
        identity = self._bench.chosen.region
        return self._bench.workspace.scene.GetNodeByID(identity) if identity else None

    def model(self) -> ModelChoice | None:
        """The chosen model."""
        return self._bench.web.models.chosen(self._bench.chosen.model)

    def build(self) -> None:
        """Its section, and the question that it asks."""
        name = self._bench.choices.name
        with widgets.section("segment", "Segment", "mdi-auto-fix"):
            with widgets.hinted("segment_view.chooseModel"):
                widgets.select(
                    "model", "Model", name.model, "model_items", "!segment_view.chooseModel.enabled || !!jobs.segment"
                )
            widgets.note("segment_view.modelNote", "model-note", "quiet")
            widgets.note("region_view.note", "size-note", "is-warning")
            server, guarded = self._bench.server, self._bench.guarded
            with widgets.row():
                place, whole = guarded("segment", self._place), guarded("segment", self._forget_region)
                text, offer = "{{ region_view.button }}", "region_view.press"
                widgets.button(server, "place-region", text, offer, place, "mdi-vector-square")
                widgets.button(server, "whole-volume", "Whole volume", "region_view.wholeVolume", whole, "mdi-cube-outline")
            widgets.select("device", "Device", name.device, "device_items", "!!jobs.segment")
            widgets.button(
                server,
                "segment-button",
                "{{ segment_view.button }}",
                "segment_view.press",
                guarded("segment", self._pressed),
                look="flat",
                color="primary",
                more=":class=\"{ 'is-cancel': !!jobs.segment }\"",
                side="end",
            )
            widgets.job("segment", "segment", "segment")
        self._build_question()

    def segment(self) -> None:
        """Segment the chosen volume, which nobody has worked on yet, unless something else is being segmented."""
        if not self._bench.workspace.busy("segment"):
            self._bench.guarded("segment", self._start)(None)

    def look_for_devices(self) -> None:
        """Ask the engine where it can compute; it is warm then, too. Where it does not answer, any GPU is one choice."""

        def told(devices: list[dict[str, Any]]) -> None:
            self._devices = devices
            self._bench.changed()

        self._bench.workspace.client.request("devices", {}, told, lambda error: _log.warning("%s", error.message))

    def show(self) -> None:
        """Push what there is to see."""
        bench = self._bench
        model = self.model()
        if model is not None and bench.chosen.model != model.id:
            bench.chosen.model = model.id
        items = [{"title": choice.title, "value": choice.id} for choice in bench.web.models.choices]
        bench.put("model_items", items)
        devices = deviceOffers(self._devices, bench.chosen.device)
        bench.put("device_items", [{"title": offer.title, "value": offer.id} for offer in devices])
        busy, image, region = bench.workspace.busy("segment"), self.image, self.region
        bench.put("segment_view", segmentView(busy, image, model, bool(items), region))
        bench.put("region_view", regionView(busy, image, model, region))

    def close(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()
        self._forget_region()
        self._editor.active_effect_name_changed.disconnect(self._tool_changed)

    def _pressed(self) -> None:
        bench, image = self._bench, self.image
        if bench.workspace.busy("segment"):
            bench.workspace.cancel("segment")
        elif needsAsking(bench.workspace.session, image):
            self._question = mergeQuestion(bench.workspace.session.edits.voxels)
            answers = [text for text, _answer in self._question.answers]
            q = self._question
            bench.put("question", {"title": q.title, "text": q.text, "detail": q.detail, "answers": answers})
        else:
            self._start(None)

    def _start(self, answer: Any) -> None:
        bench, image, model = self._bench, self.image, self.model()
        if image is None or model is None:
            return
        region = self.region
        bounds = None if region is None else roiBounds(region, image)
        request = SegmentRequest(image=image, model=model.folder, device=bench.chosen.device, roi=bounds)
        bench.workspace.segment(request, mergeFor(bench.workspace.session, image, answer))

    def _place(self) -> None:
        """Give the region its handles back; or place it, or a new one, where the slice views cross."""
        if regionView(False, self.image, self.model(), self.region).adjusts:
            self._editor.deactivate_effect()
            setAdjustable(self.region, True)
            return
        slices = self._bench.web.scene.slice_nodes()
        region = placeRegion(self.image, regionSize(self.model()), crossing(slices), self.region)
        if self._bench.chosen.region != region.GetID():
            self._forget_region()
            self._bench.chosen.region = region.GetID()
            self._stop_watching = watchRegion(region, self._bench.changed)
        self._editor.deactivate_effect()

    def _forget_region(self) -> None:
        """The whole volume again."""
        region, self._bench.chosen.region = self.region, ""
        if self._stop_watching is not None:
            self._stop_watching()
            self._stop_watching = None
        if region is not None:
            region.GetScene().RemoveNode(region)

    def _tool_changed(self, name: str) -> None:
        """While a tool is in hand, clicks are the tool's: the region does not take them."""
        if self.region is not None and name not in ("", SegmentationEffectNoTool.get_effect_name()):
            setAdjustable(self.region, False)
            self._bench.changed()

    def _volume_changed(self, *_told: object) -> None:
        # A region belongs to the volume that it was placed in.
        self._forget_region()
        self._bench.changed()

    def _answered(self, number: int) -> None:
        question, self._question = self._question, None
        self._bench.put("question", None)
        if question is not None and 0 <= number < len(question.answers):
            self._start(question.answers[number][1])

    def _let_be(self) -> None:
        self._question = None
        self._bench.put("question", None)

    def _case_opened(self, session: CaseSession | None) -> None:
        self._bench.say("segment", resultText(session))
        if session is not None and self.region is not None:
            # What there is to see now is the result; a frame of the region stays.
            setAdjustable(self.region, False)

    def _models_changed(self) -> None:
        self._bench.run(self._look())

    async def _look(self) -> None:
        models = self._bench.web.models
        before = models.chosen("")
        await models.look()
        if before != models.chosen(""):
            # Another one is in use now: it is what the person wants to work with.
            self._bench.chosen.model = ""
        self._bench.changed()

    def _build_question(self) -> None:
        server = self._bench.server
        answer = server.trigger_name(self._bench.guarded("segment", self._answered))
        with (
            v.VDialog(model_value=("!!question",), max_width=560, persistent=True, id="merge-question"),
            v.VCard(raw_attrs=[':title="question?.title"']),
        ):
            with v.VCardText():
                html.P("{{ question?.text }}")
                html.P("{{ question?.detail }}", classes="mt-2")
            with v.VCardActions(classes="dialog-answers"):
                v.VBtn(
                    "{{ text }}",
                    v_for="(text, number) in (question?.answers ?? [])",
                    key="number",
                    click=f"trigger('{answer}', [number])",
                    raw_attrs=[
                        ":id=\"'merge-answer-' + number\"",
                        ":variant=\"number ? 'tonal' : 'flat'\"",
                        ":color=\"number ? undefined : 'primary'\"",
                        ':autofocus="!number"',
                    ],
                )
                v.VBtn("Cancel", id="merge-cancel", variant="text", click=self._let_be)
