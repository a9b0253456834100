"""Hand the corrected case over to the library that fine-tuning learns from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dualssl_web.panels import widgets
from DualSSLSegmentationLib.jobs.handover import Handover
from DualSSLSegmentationLib.presentation.handoverView import LookedAt, handoverView, savedText, suggestedName

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from dualssl_web.panels.bench import Bench
    from DualSSLSegmentationLib.review.caseSession import CaseSession


class HandoverPanel:
    """Library, name of the case, reviewer, and one button.

    Args:
        bench: shared by the panels.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._looked = LookedAt()
        self._session: CaseSession | None = None
        self._stop_session: list[Callable[[], None]] = []
        bench.put("library_folder", bench.workspace.places.library)
        self._stops = [
            bench.onShow.add(self.show),
            bench.workspace.onCase.add(self._case_opened),
            bench.workspace.onSaved.add(self._saved),
        ]
        name = bench.choices.name
        bench.choices.bind_changes(dict.fromkeys((name.case_name, name.reviewer), bench.changed))
        self.show()

    def build(self) -> None:
        """Its section."""
        name, server = self._bench.choices.name, self._bench.server
        busy = "!!jobs.save"
        with widgets.section("handover", "Hand over", "mdi-archive-arrow-down-outline"):
            # Not to be changed in the page: nobody writes to other folders of the server than it was started for.
            widgets.note("'Library: ' + library_folder", "library-folder", "quiet")
            widgets.text_field("case-name", "Name of the case, no patient's name", name.case_name, busy)
            widgets.text_field("reviewer", "Reviewer", name.reviewer, busy)
            widgets.text_field("case-notes", "Notes", name.notes, busy)
            looked = server.trigger_name(self._looked_chosen)
            widgets.check_box(
                "whole-case",
                "I have looked at the whole case",
                "handover_whole",
                "handover_view.wholeCase",
                f"trigger('{looked}', [$event])",
            )
            widgets.button(
                server,
                "save-button",
                "{{ handover_view.button }}",
                "handover_view.press",
                self._bench.guarded("save", self._pressed),
                look="flat",
                color="primary",
                more=":class=\"{ 'is-cancel': !!jobs.save }\"",
                side="end",
            )
            widgets.job("save", "save", "save")

    def show(self) -> None:
        """Push what there is to see."""
        bench, session = self._bench, self._bench.workspace.session
        whole = self._looked.whole(session)
        chosen = bench.chosen
        bench.put("handover_whole", whole)
        view = handoverView(session, bench.workspace.busy("save"), chosen.case_name, chosen.reviewer, whole)
        bench.put("handover_view", view)

    def close(self) -> None:
        """Listen no more."""
        for stop in (*self._stops, *self._stop_session):
            stop()

    def _pressed(self) -> None:
        bench = self._bench
        if bench.workspace.busy("save"):
            bench.workspace.cancel("save")
            return
        chosen = bench.chosen
        bench.workspace.save(
            Handover(
                library=bench.workspace.places.library,
                caseName=chosen.case_name.strip(),
                reviewer=chosen.reviewer.strip(),
                notes=chosen.notes.strip(),
                wholeCase=self._looked.whole(bench.workspace.session),
            )
        )

    def _looked_chosen(self, whole: bool) -> None:
        self._looked.say(bool(whole))
        self._bench.changed()

    def _case_opened(self, session: CaseSession | None) -> None:
        for stop in self._stop_session:
            stop()
        changed = self._bench.changed
        self._stop_session = [] if session is None else [session.onReview.add(changed), session.onEdits.add(changed)]
        if session is not None and session is not self._session:
            self._looked.forget()
            self._bench.say("save", "")
            self._bench.chosen.case_name = suggestedName(session)
        self._session = session
        changed()

    def _saved(self, answer: Mapping[str, Any]) -> None:
        self._bench.say("save", savedText(answer))
