"""The versions of the model: which is in use, what the gate found, and what can be done with each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as v

from dualssl_web.panels import widgets
from DualSSLSegmentationLib.presentation.modelDesk import ModelDesk

if TYPE_CHECKING:
    from collections.abc import Callable

    from dualssl_web.panels.bench import Bench


class ModelsPanel:
    """A table of versions, and below it what the gate said of the one that is looked at.

    Args:
        bench: shared by the panels.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._desk = desk = ModelDesk(bench.workspace)
        self._stops = [bench.onShow.add(self.show), desk.onChange.add(bench.changed), desk.onSaid.add(self._said)]
        self.show()

    def build(self) -> None:
        """Its section."""
        server = self._bench.server
        look = f"trigger('{server.trigger_name(self._look_at)}', [row.id])"
        with widgets.section("models", "Models", "mdi-source-branch"):
            widgets.note("models_view.summary", "models-summary")
            with v.VTable(density="compact", fixed_header=True, v_if=("models_view.rows.length",), classes="list-table"):
                with html.Thead(), html.Tr():
                    for title in ("No.", "Model", "State", "Cases", "Added"):
                        html.Th(title, classes="number" if title in ("No.", "Cases") else "", raw_attrs=['scope="col"'])
                with (
                    html.Tbody(id="models-table"),
                    html.Tr(
                        v_for="row in models_view.rows",
                        key="row.id",
                        click=look,
                        tabindex="0",
                        classes="is-link",
                        raw_attrs=[
                            ":id=\"'version-' + row.number\"",
                            ":class=\"{ 'is-current': row.id === models_view.chosen }\"",
                            ':aria-current="row.id === models_view.chosen"',
                            f'@keydown.enter="{look}"',
                        ],
                    ),
                ):
                    html.Td("{{ row.number }}", classes="number")
                    html.Td("{{ row.name }}", classes="wrap")
                    with html.Td(classes="nowrap"):
                        v.VIcon("mdi-check-circle", v_if=("row.active",), size="x-small", color="success", classes="mr-1")
                        html.Span("{{ row.state }}")
                    html.Td("{{ row.cases }}", classes="number")
                    html.Td("{{ row.created }}", classes="nowrap")
            widgets.note("models_view.reason", "version-reason")
            widgets.comparison("models_view.comparison", "version-comparison")
            with widgets.row():
                widgets.button(server, "activate-version", "Activate", "models_view.activate", self._guarded(self._activate))
                widgets.button(server, "discard-version", "Discard", "models_view.discard", self._guarded(self._discard))
                widgets.button(server, "roll-back", "Roll back", "models_view.rollBack", self._guarded(self._roll_back))
            widgets.job("models", "models", "models")

    def look(self) -> None:
        """Ask anew which versions there are."""
        self._desk.look()

    def show(self) -> None:
        """Push what there is to see."""
        self._bench.put("models_view", self._desk.view(self._bench.chosen.version or None))

    def close(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()
        self._desk.close()

    def _guarded(self, function: Callable[[], None]) -> Callable[..., None]:
        return self._bench.guarded("models", function)

    def _look_at(self, version: str) -> None:
        self._bench.chosen.version = str(version)
        self._bench.changed()

    def _activate(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            self._desk.activate(chosen)

    def _discard(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            self._desk.discard(chosen)

    def _roll_back(self) -> None:
        self._desk.rollBack()

    def _chosen(self) -> str | None:
        return self._desk.view(self._bench.chosen.version or None).chosen

    def _said(self, kind: str, text: str) -> None:
        if kind == "error":
            self._bench.alert("models", text)
        else:
            self._bench.say("models", text)
