"""Which cases the library holds, and which to look at next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as v

from dualssl.errors import DualSSLError
from dualssl_web.panels import widgets
from DualSSLSegmentationLib.presentation.libraryDesk import LibraryDesk, imageOf, predictedText

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path
    from typing import Any

    from dualssl_web.panels.bench import Bench
    from DualSSLSegmentationLib.jobs.modelCatalogue import ModelChoice


class WorklistPanel:
    """The library's cases, the most urgent first.

    Args:
        bench: shared by the panels.
        model: asked for the chosen model.
        open_case: opens an image of the library under the name of its case, and segments it if that is wanted.
    """

    def __init__(
        self,
        bench: Bench,
        model: Callable[[], ModelChoice | None],
        open_case: Callable[[Path, Path, str, bool], Awaitable[None]],
    ) -> None:
        self._bench = bench
        self._model = model
        self._open_case = open_case
        self._desk = LibraryDesk(bench.workspace)
        self._desk.onChange.add(bench.changed)
        self._desk.onProblem.add(lambda text: bench.say("library", text))
        workspace, name = bench.workspace, bench.choices.name
        self._stops = [
            bench.onShow.add(self.show),
            workspace.onSaved.add(lambda _answer: self.look()),
            workspace.onPredicted.add(self._predicted),
            workspace.onJob.add(self._job),
        ]
        bench.choices.bind_changes({name.strategy: lambda _strategy: self.look()})
        self.show()

    def build(self) -> None:
        """Its section."""
        name, server = self._bench.choices.name, self._bench.server
        go = server.trigger_name(self._open)
        press = f"library_view.open.enabled && trigger('{go}', [row.name])"
        with widgets.section("worklist", "Worklist", "mdi-sort-descending"):
            widgets.note("library_view.summary", "library-summary")
            widgets.select("strategy", "Look first at", name.strategy, "library_view.strategies", "!library_view.rows.length")
            with v.VTable(density="compact", fixed_header=True, v_if=("library_view.rows.length",), classes="list-table"):
                with html.Thead(), html.Tr():
                    for title in ("", "Case", "State", "Why"):
                        html.Th(title or "Rank", classes="" if title else "number", raw_attrs=['scope="col"'])
                with (
                    html.Tbody(id="worklist-table"),
                    html.Tr(
                        v_for="row in library_view.rows",
                        key="row.name",
                        click=press,
                        tabindex="0",
                        classes="is-link",
                        raw_attrs=[
                            ":id=\"'case-' + row.name\"",
                            f'@keydown.enter="{press}"',
                        ],
                    ),
                ):
                    html.Td("{{ row.rank }}", classes="number")
                    html.Td("{{ row.name }}", classes="case-cell", raw_attrs=[':title="row.name"'])
                    html.Td("{{ row.state }}")
                    html.Td("{{ row.why }}", classes="wrap quiet-cell")
            with widgets.row():
                widgets.button(
                    server,
                    "predict-button",
                    "{{ library_view.button }}",
                    "library_view.predict",
                    self._bench.guarded("library", self._predict),
                    more=":class=\"{ 'is-cancel': !!jobs.library }\"",
                )
                widgets.button(server, "refresh-library", "Refresh", "library_view.refresh", self.look, "mdi-refresh")
            widgets.job("library", "library", "library")

    def look(self) -> None:
        """Ask anew what the library holds."""
        self._bench.say("library", "")
        self._desk.look(self._bench.workspace.places.library, self._bench.chosen.strategy)

    def show(self) -> None:
        """Push what there is to see."""
        model = self._model()
        self._bench.put("library_view", self._desk.view(None if model is None else model.folder))

    def close(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()
        self._desk.onChange.clear()

    def _predict(self) -> None:
        model = self._model()
        if model is not None:
            self._desk.predict(model.folder, self._bench.chosen.device)

    def _predicted(self, answer: Mapping[str, Any]) -> None:
        self._bench.say("library", predictedText(answer))

    def _job(self, kind: str, state: object) -> None:
        # However it ended, some cases may have been predicted.
        if kind == "library" and state is None:
            self.look()

    def _open(self, name: str) -> None:
        self._bench.run(self._go_and_open(self._bench.workspace.places.library, str(name)))

    async def _go_and_open(self, library: Path, name: str) -> None:
        try:
            path = await asyncio.to_thread(imageOf, library, name)
        except DualSSLError as error:
            self._bench.alert("library", str(error))
        else:
            # A new result would not be what somebody has made of a corrected case.
            await self._open_case(path, library, name, not self._desk.isCorrected(name))
