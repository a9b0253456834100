"""How far each job is, and what there is to say when one has ended: in the panel where it was started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v

if TYPE_CHECKING:
    from dualssl_web.panels.bench import Bench
    from DualSSLSegmentationLib.jobs.jobState import JobState

PLACES = {
    "segment": "segment",
    "save": "save",
    "library": "library",
    "finetune": "finetune",
    "check": "segment",
    "models": "models",
}
"""By kind of job, the panel that says how it ended."""


class Jobs:
    """Listens to the workspace's jobs, and shows what needs a person's attention wherever they look.

    Args:
        bench: shared by the panels.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._ended = "segment"
        self._states: dict[str, JobState | None] = dict.fromkeys(PLACES)
        bench.server.controller.close_notice = self._close_notice
        self.show()
        self._stops = [bench.workspace.onJob.add(self._job), bench.workspace.onMessage.add(self._message)]

    def build(self) -> None:
        """An error, over the page until it is closed."""
        with v.VSnackbar(
            model_value=("!!notice",),
            timeout=-1,
            location="bottom end",
            color="error",
            multi_line=True,
            raw_attrs=['role="alert"'],
            id="notice",
        ):
            html.Div("{{ notice?.text }}", classes="notice-text")
            with html.Details(v_if=("notice?.detail",)):
                html.Summary("Details")
                html.Pre("{{ notice.detail }}")
            with v.Template(v_slot_actions=True):
                v.VBtn("Close", id="close-notice", variant="text", click=self._close_notice)

    def show(self) -> None:
        """Push the state of all jobs."""
        self._bench.put("jobs", {kind: _plain(state) for kind, state in self._states.items()})

    def close(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()

    def _job(self, kind: str, state: JobState | None) -> None:
        self._states[kind] = state
        if state is None:
            self._ended = kind
        else:
            self._bench.say(PLACES[kind], "")
        self._bench.changed()

    def _message(self, kind: str, text: str, detail: str) -> None:
        place = PLACES[self._ended]
        if kind == "error":
            self._bench.alert(place, text, detail)
        else:
            self._bench.say(place, text)

    def _close_notice(self) -> None:
        self._bench.put("notice", None)


def _plain(state: JobState | None) -> dict[str, Any] | None:
    return None if state is None else {"text": state.text, "fraction": state.fraction, "left": state.timeText()}
