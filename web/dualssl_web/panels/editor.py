"""trame-slicer's segment editor as a part of the page: its logic and parameters as they are, its buttons with words.

Its own buttons have no names that a screen reader could tell, and its list shows the helper segment of a region's mask.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_slicer.app.logic.segmentation import SegmentEditorLogic
from trame_slicer.app.ui.segmentation import SegmentEditorUI
from trame_slicer.app.ui.segmentation.draw_effect_ui import DrawEffectUI
from trame_slicer.app.ui.segmentation.islands_effect_ui import IslandsEffectUI
from trame_slicer.app.ui.segmentation.logical_operators_effect_ui import LogicalOperatorsEffectUI
from trame_slicer.app.ui.segmentation.paint_effect_ui import PaintEffectUI
from trame_slicer.app.ui.segmentation.scissors_effect_ui import ScissorsEffectUI
from trame_slicer.app.ui.segmentation.segment_display_ui import SegmentDisplayUI
from trame_slicer.app.ui.segmentation.segment_edit_area_ui import SegmentEditAreaUI
from trame_slicer.app.ui.segmentation.smoothing_effect_ui import SmoothingEffectUI
from trame_slicer.app.ui.segmentation.threshold_effect_ui import ThresholdEffectUI
from trame_slicer.segmentation import (
    SegmentationEffectDraw,
    SegmentationEffectErase,
    SegmentationEffectIslands,
    SegmentationEffectLogicalOperators,
    SegmentationEffectNoTool,
    SegmentationEffectPaint,
    SegmentationEffectScissors,
    SegmentationEffectSmoothing,
    SegmentationEffectThreshold,
)

from DualSSLSegmentationLib.scene.structureSegments import isHelper

if TYPE_CHECKING:
    from trame_slicer.core import SlicerApp

# Name, icon, effect, and its parameters where it has some.
TOOLS: tuple[tuple[str, str, Any, Any], ...] = (
    ("No tool", "mdi-cursor-default-outline", SegmentationEffectNoTool, None),
    ("Paint", "mdi-brush", SegmentationEffectPaint, PaintEffectUI),
    ("Erase", "mdi-eraser", SegmentationEffectErase, PaintEffectUI),
    ("Draw", "mdi-draw", SegmentationEffectDraw, DrawEffectUI),
    ("Scissors", "mdi-content-cut", SegmentationEffectScissors, ScissorsEffectUI),
    ("Logical operators", "mdi-vector-intersection", SegmentationEffectLogicalOperators, LogicalOperatorsEffectUI),
    ("Threshold", "mdi-auto-fix", SegmentationEffectThreshold, ThresholdEffectUI),
    ("Islands", "mdi-scatter-plot", SegmentationEffectIslands, IslandsEffectUI),
    ("Smoothing", "mdi-square-rounded-outline", SegmentationEffectSmoothing, SmoothingEffectUI),
)


class CaseEditorLogic(SegmentEditorLogic):
    """trame-slicer's, but for the list: a helper segment is not for painting.

    Args:
        server: of trame.
        app: of trame-slicer, with its views made.
    """

    def __init__(self, server: Any, app: SlicerApp) -> None:
        super().__init__(server, app)

    def _update_segment_list(self) -> None:
        super()._update_segment_list()
        listed = self.data.segment_list
        helpers = {i for i in self.segmentation_editor.get_segment_ids() if isHelper(self.segmentation_editor.get_segment(i))}
        listed.segments = [segment for segment in listed.segments if segment.segment_id not in helpers]


class CaseEditorUI(SegmentEditorUI):
    """trame-slicer's parameters of the tools in a column, and buttons of our own in front of them."""

    def _build_ui(self) -> None:
        name = self._typed_state.name
        with self:
            self.edit_ui._build_color_dialog()
            with html.Div(classes="editor-tools", raw_attrs=['role="toolbar"', 'aria-label="Tools"']):
                for text, icon, effect, _parameters in TOOLS:
                    self._tool(text, icon, effect)
            with html.Div(classes="tool-parameters"):
                for _text, _icon, effect, parameters in TOOLS:
                    if parameters is not None:
                        self._register_effect_ui(effect, parameters)
            self._segments()
            area = SegmentEditAreaUI(segment_edit_area_typed_state=self.sub_state(name.segment_edit_area), classes="fold")
            _name_fold(area, "Masking options")
            display = SegmentDisplayUI(typed_state=self.sub_state(name.segment_display), classes="fold")
            _name_fold(display, "Rendering")

    def _tool(self, text: str, icon: str, effect: Any) -> None:
        active = self.is_active_effect(effect)[0]
        attributes = [f'aria-label="{text}"', f':aria-pressed="{active}"', f":class=\"{{ 'is-active': {active} }}\""]
        identity = f"tool-{text.lower().replace(' ', '-')}"
        with v.VBtn(
            icon=True,
            size="small",
            variant="text",
            rounded="sm",
            id=identity,
            click=self._activating(effect),
            raw_attrs=attributes,
        ):
            v.VIcon(icon)
            v.VTooltip(text, activator="parent", location="bottom", open_delay=300)

    def _activating(self, effect: Any) -> Callable[[], None]:
        return lambda: self.effect_button_clicked(effect)

    def _segments(self) -> None:
        name = self._typed_state.name
        with (
            html.Ul(classes="segment-list", id="segment-list", raw_attrs=['aria-label="Segments"']),
            html.Li(
                v_for=f"item in {name.segment_list.segments}",
                key="item.segment_id",
                raw_attrs=[f":class=\"{{ 'is-current': item.segment_id === {name.segment_list.active_segment_id} }}\""],
            ),
        ):
            self._segment_button("Colour of", "mdi-circle", self.edit_segment_color_clicked, ':color="item.color"')
            html.Button(
                "{{ item.name }}",
                type="button",
                classes="segment-name",
                click=self._with_segment(self.select_segment_clicked),
                raw_attrs=[
                    ":id=\"'segment-' + item.segment_id\"",
                    f':aria-pressed="item.segment_id === {name.segment_list.active_segment_id}"',
                ],
            )
            eye = ":icon=\"item.is_visible ? 'mdi-eye-outline' : 'mdi-eye-off-outline'\""
            self._segment_button("Show or hide", "", self.toggle_segment_visibility_clicked, eye)
            self._segment_button("Remove", "mdi-delete-outline", self.delete_segment_clicked)
        v.VBtn(
            "Add a segment",
            id="add-segment",
            prepend_icon="mdi-plus",
            variant="text",
            size="small",
            click=self.add_segment_clicked,
        )

    def _segment_button(self, what: str, icon: str, signal: Any, more: str = "") -> None:
        attributes = [f":aria-label=\"'{what} ' + item.name\""]
        with v.VBtn(
            icon=True,
            size="x-small",
            variant="text",
            click=self._with_segment(signal),
            raw_attrs=attributes,
            classes="flex-none",
        ):
            v.VIcon(icon or None, raw_attrs=[more] if more else [])

    def _with_segment(self, signal: Any) -> str:
        return f"trigger('{self.server.trigger_name(signal)}', [item.segment_id])"


def _name_fold(card: Any, text: str) -> None:
    """Give the button that unfolds one of trame-slicer's cards a name: it is the first one in it, and has an icon only."""
    waiting = [card]
    while waiting:
        element = waiting.pop(0)
        if isinstance(element, v.VBtn):
            element._attributes["aria-label"] = f'aria-label="{text}"'
            return
        waiting[:0] = [child for child in element.children if hasattr(child, "children")]
