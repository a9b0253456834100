"""The scene with its views as a server has it: in a process of its own, for a process holds one application."""

import subprocess
import sys

import pytest

SCRIPT = """
import asyncio
import numpy as np
from pathlib import Path
from trame_server import Server

from dualssl_web.app import WebApp
from dualssl_web.settings import Settings

async def main(home):
    server = Server("scene")
    server.client_type = "vue3"
    app = WebApp(server, Settings(None, None, None, home))
    import slicer
    from dualssl.geometry import Geometry
    from dualssl.volumes.volume import Volume
    from DualSSLSegmentationLib.scene.volumes import addScalarVolume

    scene = app.bench.web.scene
    assert slicer.mrmlScene is scene.scene
    assert len(scene.slice_nodes()) == len(scene.composite_nodes()) == 3
    assert len(scene.app.view_manager.get_threed_views()) == 1
    assert [view.render_window().GetMultiSamples() for view in scene.views()] == [0] * 4
    from trame_slicer.views import abstract_view, render_scheduler
    # Only while the views were made was it another one.
    assert abstract_view.DirectRendering is render_scheduler.DirectRendering
    image = Volume(np.arange(512, dtype=np.int16).reshape(8, 8, 8), Geometry((8, 8, 8), (2.0, 2.0, 2.0)))
    node = addScalarVolume(scene.scene, image, "MR", slicer.vtkMRMLScalarVolumeNode())
    scene.show_image(node)
    assert [each.GetBackgroundVolumeID() for each in scene.composite_nodes()] == [node.GetID()] * 3
    assert scene.volumes() == [node]
    scene.show_image(None)
    assert [each.GetBackgroundVolumeID() for each in scene.composite_nodes()] == [None] * 3
    # The legend's node is known to the scene, and arrays find it there.
    assert scene.scene.CreateNodeByClass("vtkMRMLColorLegendDisplayNode") is not None
    assert slicer.util.arrayFromVolume(node).shape == (8, 8, 8)
    from trame_slicer.segmentation import SegmentationEffectPaint
    editor = scene.app.segmentation_editor
    effect = editor.set_active_effect_type(SegmentationEffectPaint)
    await asyncio.sleep(0)
    # Made for views that come later, a tool would have none and paint nowhere.
    assert len([1 for pipeline in effect.pipelines if pipeline() is not None]) == 4
    app.close()
    print("all is as it should be")

import sys
asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.fixture
def apart(tmp_path):
    """Runs a script in a process of its own; returns what it printed."""

    def run(script):
        command = [sys.executable, "-c", script, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done

    return run


def test_four_views_show_what_the_library_puts_into_the_scene(apart):
    done = apart(SCRIPT)
    assert "all is as it should be" in done.stdout
    assert "Traceback" not in done.stderr
    assert "WindowResizeEvent" not in done.stderr
