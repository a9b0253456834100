"""Choose a model, and segment; ask how a new result and a person's work come together."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v

from dualssl_web.panels import widgets
from DualSSLSegmentationLib.jobs.segmenting import SegmentRequest
from DualSSLSegmentationLib.presentation.deviceOffers import deviceOffers
from DualSSLSegmentationLib.presentation.mergeQuestion import mergeFor, mergeQuestion, needsAsking
from DualSSLSegmentationLib.presentation.segmentView import resultText, segmentView

if TYPE_CHECKING:
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
        self._stops = [
            bench.onShow.add(self.show),
            bench.workspace.onCase.add(self._case_opened),
            bench.workspace.onModels.add(self._models_changed),
        ]
        bench.choices.bind_changes({bench.choices.name.model: bench.changed, bench.choices.name.volume: bench.changed})
        self.show()

    @property
    def image(self) -> Any:
        """The chosen volume node, or None."""
        identity = self._bench.chosen.volume
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
            widgets.select("device", "Device", name.device, "device_items", "!!jobs.segment")
            widgets.button(
                self._bench.server,
                "segment-button",
                "{{ segment_view.button }}",
                "segment_view.press",
                self._bench.guarded("segment", self._pressed),
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
        view = segmentView(bench.workspace.busy("segment"), self.image, model, bool(items))
        bench.put("segment_view", view)

    def close(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()

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
        request = SegmentRequest(image=image, model=model.folder, device=bench.chosen.device)
        bench.workspace.segment(request, mergeFor(bench.workspace.session, image, answer))

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
