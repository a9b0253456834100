"""The page: a bar on top, the panels in a column, and the views beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import client, html
from trame.widgets import vuetify3 as v

from dualssl_web.choices import Choices
from dualssl_web.slicer_scene import AXIAL_FIRST, QUAD

if TYPE_CHECKING:
    from trame_server.utils.typed_state import TypedState
    from trame_slicer.core import LayoutManager

    from dualssl_web.panels.bench import Panel
    from dualssl_web.panels.jobs import Jobs

TITLE = "DualSSL Segmentation"
ASSETS = Path(__file__).parent / "assets"
_SERVED = "dualssl-page"

THEME = {
    "dark": True,
    "colors": {
        "background": "#15181b",
        "surface": "#1d2125",
        "primary": "#8ecbff",
        "on-primary": "#0b1620",
        "error": "#ffb4ab",
        "on-error": "#3b0906",
        "success": "#7fd6b0",
        "warning": "#ffb454",
        "edge": "#3a4149",
        "quiet": "#b4bcc4",
    },
}
"""Light on dark: images are looked at in the dark. Text keeps a contrast of 4.5 to 1 on every surface."""


def serve_assets(server: Any) -> None:
    """Have the server hand out the page's script and icon: nothing comes from elsewhere."""
    server.enable_module({"serve": {_SERVED: str(ASSETS)}, "scripts": [f"{_SERVED}/page.js"]})
    server.state.trame__title = TITLE
    server.state.trame__favicon = f"{_SERVED}/icon.svg"


def build_page(
    server: Any, choices: TypedState[Choices], panels: Sequence[Panel], jobs: Jobs, layouts: LayoutManager
) -> VAppLayout:
    """Make the page.

    Args:
        server: of trame.
        choices: what a person has chosen.
        panels: in the order of the column.
        jobs: for what needs a person's attention.
        layouts: of the views.
    """
    config = {"theme": {"defaultTheme": "night", "themes": {"night": THEME}}}
    with VAppLayout(server, vuetify_config=config) as page:
        client.Style((ASSETS / "page.css").read_text(encoding="utf-8"))
        with v.VAppBar(density="compact", flat=True, border="b", color="surface", height=44):
            html.H1(TITLE, classes="top-title ml-4 mr-4")
            html.Div("{{ top_state }}", classes="top-state", id="top-state")
            v.VSpacer()
            _layout_toggle(choices)
        with (
            v.VNavigationDrawer(
                permanent=True, width=400, color="surface", tag="nav", raw_attrs=['aria-label="Panels"'], border="r"
            ),
            html.Div(classes="column"),
            v.VExpansionPanels(v_model=(choices.name.open_parts,), multiple=True, flat=True),
        ):
            for panel in panels:
                panel.build()
        with v.VMain(classes="main"), html.Div(classes="view-area", id="views"):
            layouts.initialize_layout_grid(page)
            with html.Div(classes="welcome", v_if=(f"!{choices.name.volume}",), id="welcome"):
                v.VIcon("mdi-cube-scan", size=56)
                html.Div("{{ busy_opening || 'No volume is open.' }}")
        jobs.build()
    return page


def _layout_toggle(choices: TypedState[Choices]) -> None:
    with v.VBtnToggle(
        v_model=(choices.name.layout,),
        mandatory=True,
        density="compact",
        variant="text",
        classes="mr-2",
        raw_attrs=['role="group"', 'aria-label="Layout of the views"'],
    ):
        for value, text, icon in (
            (AXIAL_FIRST, "Axial view large", "mdi-view-split-vertical"),
            (QUAD, "Four views of equal size", "mdi-view-grid-outline"),
        ):
            with v.VBtn(icon=True, value=value, id=f"layout-{value}", size="small", raw_attrs=[f'aria-label="{text}"']):
                v.VIcon(icon)
                v.VTooltip(text, activator="parent", location="bottom", open_delay=300)
