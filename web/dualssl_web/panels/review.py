"""Go through the uncertain regions, the most urgent first, and decide on each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as v

from dualssl_web.panels import widgets
from DualSSLSegmentationLib.presentation.reviewView import reviewView

if TYPE_CHECKING:
    from collections.abc import Callable

    from dualssl_web.panels.bench import Bench
    from DualSSLSegmentationLib.review.caseSession import CaseSession

_ICONS = "{ open: 'mdi-circle-outline', accepted: 'mdi-check-circle', flagged: 'mdi-flag' }"
_COLOURS = "{ open: undefined, accepted: 'success', flagged: 'warning' }"


class ReviewPanel:
    """The region in front is outlined in the slices, and each decision leads on to the next.

    Args:
        bench: shared by the panels.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._stop_session: list[Callable[[], None]] = []
        self._stops = [bench.onShow.add(self.show), bench.workspace.onCase.add(self._case_opened)]
        self.show()

    def build(self) -> None:
        """Its section."""
        with widgets.section("review", "Review", "mdi-format-list-checks"):
            widgets.note("review_view.summary", "review-summary")
            self._build_table()
            with widgets.row():
                self._button("previous", "Previous", "review_view.previous", lambda s: s.previous(), "mdi-chevron-left")
                self._button("next", "Next", "review_view.next", lambda s: s.next(), "mdi-chevron-right", "flat", "primary")
            with widgets.row():
                self._button("accept", "Accept", "review_view.accept", lambda s: s.accept(), "mdi-check")
                self._button("flag", "Flag", "review_view.flag", lambda s: s.flag(), "mdi-flag-outline")
                self._button("reopen", "Reopen", "review_view.reopen", lambda s: s.reopen(), "mdi-restore")
            with html.Fieldset(classes="take-row"):
                html.Legend("Take the answer of")
                with widgets.row():
                    for source, text in (("a", "Network A"), ("b", "Network B"), ("mean", "Mean")):
                        self._button(f"take-{source}", text, f"review_view.take.{source}", _taking(source))
            widgets.check_box(
                "hold-inside",
                "Edit only inside this region",
                "review_view.onlyInside",
                "review_view.holdInside",
                self._trigger(lambda session: session.editOnlyInside(not session.onlyInsideRegion)),
            )
            widgets.note("said.review", "review-status")

    def show(self) -> None:
        """Push what there is to see."""
        self._bench.put("review_view", reviewView(self._bench.workspace.session))

    def close(self) -> None:
        """Listen no more."""
        for stop in (*self._stops, *self._stop_session):
            stop()

    def _build_table(self) -> None:
        go = self._bench.server.trigger_name(self._bench.guarded("review", self._go))
        press = f"trigger('{go}', [region.id])"
        with (
            v.VTable(
                density="compact",
                fixed_header=True,
                v_if=("review_view.rows.length",),
                classes="region-table",
                id="region-table",
            ),
        ):
            with html.Thead(), html.Tr():
                for title in ("Rank", "Kind", "ml", "Score", "State"):
                    html.Th(title, classes="number" if title in ("Rank", "ml", "Score") else "", raw_attrs=['scope="col"'])
            with (
                html.Tbody(),
                html.Tr(
                    v_for="region in review_view.rows",
                    key="region.id",
                    click=press,
                    tabindex="0",
                    raw_attrs=[
                        ":id=\"'region-' + region.id\"",
                        ":class=\"{ 'is-current': region.id === review_view.current }\"",
                        ':aria-current="region.id === review_view.current"',
                        f'@keydown.enter="{press}"',
                        f'@keydown.space.prevent="{press}"',
                    ],
                ),
            ):
                html.Td("{{ region.rank }}", classes="number")
                html.Td("{{ region.kind }}")
                html.Td("{{ region.volume }}", classes="number")
                html.Td("{{ region.score }}", classes="number")
                with html.Td():
                    v.VIcon(
                        size="x-small",
                        classes="mr-1",
                        raw_attrs=[
                            'aria-hidden="true"',
                            f':icon="({_ICONS})[region.decision]"',
                            f':color="({_COLOURS})[region.decision]"',
                        ],
                    )
                    html.Span("{{ region.state }}")

    def _button(
        self,
        name: str,
        text: str,
        offer: str,
        what: Callable[[CaseSession], object],
        icon: str = "",
        look: str = "tonal",
        color: str = "",
    ) -> None:
        widgets.button(self._bench.server, f"review-{name}", text, offer, self._doing(what), icon, look, color)

    def _doing(self, what: Callable[[CaseSession], object]) -> Callable[..., None]:
        def do(*_arguments: object) -> None:
            session = self._bench.workspace.session
            if session is not None:
                what(session)

        return self._bench.guarded("review", do)

    def _trigger(self, what: Callable[[CaseSession], object]) -> str:
        return f"trigger('{self._bench.server.trigger_name(self._doing(what))}')"

    def _go(self, number: int) -> None:
        session = self._bench.workspace.session
        if session is not None:
            session.goTo(int(number))

    def _case_opened(self, session: CaseSession | None) -> None:
        for stop in self._stop_session:
            stop()
        changed = self._bench.changed
        self._stop_session = [] if session is None else [session.onReview.add(changed), session.onEdits.add(changed)]
        self._bench.say("review", "")


def _taking(source: str) -> Callable[[CaseSession], object]:
    return lambda session: session.take(source)
