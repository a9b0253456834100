"""What lies over each view: its name, the slice it is at, and a button to see all of it."""

from __future__ import annotations

from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_slicer.app.logic.slice_view_logic import connect_slice_view_slider_to_state

NAMES = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal", "ThreeD": "3D"}
"""Of the views, by the tags that Slicer gives them."""


def view_name(view: Any) -> str:
    """What the view is called in the page."""
    tag = view.get_singleton_tag()
    return NAMES.get(tag, tag)


def slice_view_controls(server: Any, _view_id: str, view: Any) -> None:
    """Over a slice view."""
    _corner(view)
    slider = connect_slice_view_slider_to_state(server, view)
    name = view_name(view)
    with html.Div(classes="view-slider"):
        v.VSlider(
            id=f"slice-{name.lower()}",
            v_model=(slider.name.value,),
            min=(slider.name.min_value,),
            max=(slider.name.max_value,),
            step=(slider.name.step,),
            density="compact",
            hide_details=True,
            thumb_size=12,
            track_size=2,
            raw_attrs=[f'aria-label="{name} slice"'],
        )
        html.Span(f"{{{{ Number({slider.name.value}).toFixed(1) }}}} mm", classes="view-offset")


def surface_view_controls(_server: Any, _view_id: str, view: Any) -> None:
    """Over the 3D view."""
    _corner(view)


def _corner(view: Any) -> None:
    name = view_name(view)
    with html.Div(classes="view-corner"):
        html.Span(name, classes="view-name")
        with v.VBtn(
            icon=True,
            size="x-small",
            variant="text",
            id=f"reset-{name.lower()}",
            click=view.reset_view,
            raw_attrs=[f'aria-label="Show all in the {name} view"'],
        ):
            v.VIcon("mdi-fit-to-page-outline", size="small")
            v.VTooltip(f"Show all in the {name} view", activator="parent", location="bottom", open_delay=300)
