"""trame-slicer's Slicer as the application that the module's library knows: its scene is `slicer.mrmlScene`.

The library asks for no more of an application outside of its panels; `slicer.util`'s functions for arrays find the scene there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# VTK reads this when the first window is made: a server has no screen.
os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

import slicer
from trame_slicer.core import LayoutManager, SlicerApp
from trame_slicer.views import Layout, LayoutDirection, ViewLayoutDefinition, abstract_view
from trame_slicer.views.render_scheduler import NoScheduleRendering
from vtkmodules.vtkCommonCore import vtkObject

AXIAL_FIRST, QUAD = "axial", "quad"
_LEGEND = slicer.vtkMRMLColorLegendDisplayNode()


class SlicerScene:
    """One scene with its logics and its views. A process holds one: VTK's factories of views know a single application.

    Args:
        app: of trame-slicer; None makes one.

    Attributes:
        app: of trame-slicer.
        scene: vtkMRMLScene.
    """

    def __init__(self, app: SlicerApp | None = None) -> None:
        self.app = SlicerApp() if app is None else app
        self.scene = self.app.scene
        slicer.mrmlScene = self.scene
        if not self.scene.GetClassNameByTag(_LEGEND.GetNodeTagName()):
            # In the application the module Colors does this.
            self.scene.RegisterNodeClass(_LEGEND)

    def views(self) -> list[Any]:
        """All views: slices and surfaces."""
        manager = self.app.view_manager
        return [*manager.get_slice_views(), *manager.get_threed_views()]

    def slice_nodes(self) -> list[Any]:
        """The vtkMRMLSliceNodes of the views."""
        return [view.get_view_node() for view in self.app.view_manager.get_slice_views()]

    def composite_nodes(self) -> list[Any]:
        """Their vtkMRMLSliceCompositeNodes."""
        nodes = (self.app.app_logic.GetSliceLogic(node) for node in self.slice_nodes())
        return [logic.GetSliceCompositeNode() for logic in nodes if logic is not None]

    def show_image(self, image: Any) -> None:
        """Have the slice views show a volume and nothing else, all of it; None shows nothing."""
        identity = None if image is None else image.GetID()
        for node in self.composite_nodes():
            node.SetBackgroundVolumeID(identity)
            node.SetForegroundVolumeID(None)
            node.SetLabelVolumeID(None)
        for view in self.app.view_manager.get_slice_views():
            view.fit_view_to_content()

    def draw_slices(self) -> None:
        """Draw the slice views again: they do not notice by themselves when an overlay's opacity changes."""
        for view in self.app.view_manager.get_slice_views():
            view.schedule_render()

    def fit_surfaces(self) -> None:
        """Turn the 3D view to the front and have it show all that is in it."""
        for view in self.app.view_manager.get_threed_views():
            view.reset_view()

    def volumes(self) -> list[Any]:
        """The scalar volumes that are no helpers, in the order they came."""
        found = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        return [node for node in found if not node.GetHideFromEditors() and not node.IsA("vtkMRMLLabelMapVolumeNode")]


def layouts() -> dict[str, Layout]:
    """The ways in which the four views are laid out, by their names."""
    axial, sagittal, coronal = (
        ViewLayoutDefinition.axial_view(),
        ViewLayoutDefinition.sagittal_view(),
        ViewLayoutDefinition.coronal_view(),
    )
    surface = ViewLayoutDefinition.threed_view(background_color=("#202326", "#3a4046"))
    down, across = LayoutDirection.Vertical, LayoutDirection.Horizontal
    others = Layout(down, [surface, sagittal, coronal])
    return {
        AXIAL_FIRST: Layout(across, [axial, others], ["2.2", "1"]),
        QUAD: Layout(down, [Layout(across, [axial, surface]), Layout(across, [sagittal, coronal])]),
    }


@contextmanager
def _undrawn() -> Iterator[None]:
    """Inside, a new view is not drawn at each of the sixty changes that make it; it gets its way of being drawn later."""
    direct = abstract_view.DirectRendering
    abstract_view.DirectRendering = NoScheduleRendering
    try:
        yield
    finally:
        abstract_view.DirectRendering = direct


def make_layouts(scene: SlicerScene, server: Any) -> LayoutManager:
    """The layout manager, with all views made: the paint tools fail where they come later than the segment editor."""
    manager = LayoutManager(scene.scene, scene.app.view_manager, server)
    warned = vtkObject.GetGlobalWarningDisplay()
    # Of an event that trame-slicer listens to, and invokes itself where VTK no longer does.
    vtkObject.GlobalWarningDisplayOff()
    try:
        with _undrawn():
            manager.register_layout_dict(layouts())
    finally:
        vtkObject.SetGlobalWarningDisplay(warned)
    for view in scene.views():
        # Without a graphics card, eight samples a pixel take ten times as long as one.
        view.render_window().SetMultiSamples(0)
    for view in scene.app.view_manager.get_threed_views():
        view.renderer().UseFXAAOn()
    manager.set_layout(AXIAL_FIRST)
    return manager
