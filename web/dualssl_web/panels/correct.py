"""Correct the result with trame-slicer's segment editor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame_slicer.segmentation import SegmentationOpacityEnum

from dualssl_web.panels import widgets
from dualssl_web.panels.editor import CaseEditorLogic, CaseEditorUI
from DualSSLSegmentationLib.presentation.editView import editView

if TYPE_CHECKING:
    from collections.abc import Callable

    from dualssl_web.panels.bench import Bench
    from DualSSLSegmentationLib.review.caseSession import CaseSession

OUTLINE_PIXELS = 2


class CorrectPanel:
    """The segment editor on the case in hand, with a word on what has been changed.

    Args:
        bench: shared by the panels; the views are there.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        app = bench.web.scene.app
        self._editor = app.segmentation_editor
        self._logic = CaseEditorLogic(bench.server, app)
        # The logic brings a stack of its own, which knows nothing of what the program writes.
        self._editor.set_undo_stack(bench.web.undo)
        self._edited: object = None
        self._stop_session: Callable[[], None] | None = None
        self._stops = [bench.onShow.add(self.show), bench.workspace.onCase.add(self._case_opened)]
        for signal in bench.web.undo.signals():
            signal.connect(bench.changed)
        self._editor.active_segment_id_changed.connect(self._segment_selected)
        self.show()

    def build(self) -> None:
        """Its section."""
        server = self._bench.server
        with widgets.section("correct", "Correct", "mdi-brush"):
            widgets.note("edit_view.summary", "edit-summary")
            with widgets.row():
                widgets.button(server, "undo", "Undo", "edit_view.undo", self._bench.guarded("review", self._undo), "mdi-undo")
                widgets.button(server, "redo", "Redo", "edit_view.redo", self._bench.guarded("review", self._redo), "mdi-redo")
            with html.Div(v_show=("edit_view.editable",), classes="editor"):
                ui = CaseEditorUI()
        self._logic.set_ui(ui)

    def show(self) -> None:
        """Push what there is to see."""
        undo = self._bench.web.undo
        self._bench.put("edit_view", editView(self._bench.workspace.session, undo.can_undo(), undo.can_redo()))

    def close(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()
        if self._stop_session is not None:
            self._stop_session()
        self._editor.deactivate_effect()

    def _case_opened(self, session: CaseSession | None) -> None:
        """Edit another case, or none; the steps of undo of the same one stay."""
        if session is self._edited:
            return
        self._edited = session
        if self._stop_session is not None:
            self._stop_session()
            self._stop_session = None
        if session is None:
            self._editor.clear()
        else:
            self._stop_session = session.onEdits.add(self._bench.changed)
            self._editor.set_active_segmentation(session.case.node, session.case.image)
            self._show_segments()
        self._bench.changed()

    def _show_segments(self) -> None:
        """Outlines that are seen over an overlay, and surfaces in 3D."""
        display = self._logic.data.segment_display
        display.opacity_mode = SegmentationOpacityEnum.OUTLINE
        display.border_thickness.value = OUTLINE_PIXELS
        display.opacity_2d.value = 1.0
        display.opacity_3d.is_disabled = False
        node = self._editor.active_segmentation_display
        node.set_border_thickness(OUTLINE_PIXELS)
        node.set_opacity_mode(SegmentationOpacityEnum.OUTLINE)
        node.set_opacity_2d(1.0)
        self._editor.show_3d(True)
        display.show_3d = True
        self._bench.web.scene.fit_surfaces()

    def _segment_selected(self, identity: str) -> None:
        # The mask of a region gives voxels back to the segment that is edited, which it asks the node for.
        self._editor.editor_node.SetSelectedSegmentID(identity or None)

    def _undo(self) -> None:
        self._bench.web.undo.undo()

    def _redo(self) -> None:
        self._bench.web.undo.redo()
