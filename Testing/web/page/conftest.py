"""The application without a browser: trame's state and the panels, on the scene that all tests of a process share.

A process holds one application: the harness's, which tests of the module use as well. So trame-slicer's parts are made on it.
"""

import asyncio
import importlib
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from recordedClient import RecordedClient

pytest.importorskip("slicer", reason="there is no slicer-core for this system")
pytest.importorskip("trame_slicer", reason="the web front end is not installed")


@pytest.fixture(scope="session")
def application():
    """The harness's, without windows."""
    return importlib.import_module("slicerCore").application()


@pytest.fixture
def scene(application):
    """The application's scene with nothing loaded, before and after the test."""
    application.startOver()
    yield application.scene
    application.startOver()


@pytest.fixture
def loop():
    """An event loop that turns when a test says so: `loop.settle()`."""
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)

    async def settle():
        for _ in range(20):
            await asyncio.sleep(0)

    made.settle = lambda: made.run_until_complete(settle())
    yield made
    made.settle()
    made.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def slicer_app(application, scene):
    """What of trame-slicer's application the web front end uses; it has no views."""
    core = importlib.import_module("trame_slicer.core")
    views = core.ViewManager(scene, application.applicationLogic)
    editor = core.SegmentationEditor(scene, application.modules.segmentations.logic(), views)
    yield SimpleNamespace(scene=scene, app_logic=application.applicationLogic, view_manager=views, segmentation_editor=editor)
    editor.clear()
    # It goes on following the scene, and would add its nodes to those of other tests each time that is closed.
    editor.clear = lambda: None
    for view in views.get_views():
        let_go(view, application.applicationLogic)


def let_go(view, logic):
    """Have a view of trame-slicer follow its scene no more: each one that did would make closing the scene slower."""
    slice_logic = getattr(view, "_logic", None)
    view._displayable_manager_group.SetMRMLDisplayableNode(None)
    if slice_logic is not None:
        slice_logic.SetMRMLScene(None)
        logic.GetSliceLogics().RemoveItem(slice_logic)
    view._event_observer.UpdateObservation(view._scene, None)
    view._event_observer.UpdateObservation(view._view_node, None)
    view.finalize()


def tags_of(template):
    """The opening tags of a template; their attributes may hold `>`."""
    return re.findall(r"<[a-zA-Z](?:[^>\"]|\"[^\"]*\")*>", template)


class Person:
    """Presses and chooses as a page does, and reads what it shows.

    Attributes:
        app: WebApp.
        client: of the engine.
    """

    def __init__(self, app, loop, client):
        self.app, self.bench, self.client = app, app.bench, client
        self._loop = loop
        self._server = app.bench.server

    def sees(self, name):
        """A variable of the page."""
        self.waits()
        return self._server.state[name]

    def chooses(self, **choices):
        """Sets what the page's controls set."""
        for name, value in choices.items():
            self._server.state[f"Choices__{name}"] = value
        self._server.state.flush()
        self.waits()

    def presses(self, identity, *arguments):
        """Presses the control of an id as the page has it, whatever it looks like."""
        self._server.controller.trigger_fn(self.triggers()[identity])(*arguments)
        self._server.state.flush()
        self.waits()

    def triggers(self):
        """Id of each control -> name of what it triggers."""
        found = {}
        for tag in tags_of(self.app.page.html):
            trigger = re.search(r"trigger\('([^']+)'", tag)
            identity = re.search(r'\sid="([^"]+)"', tag) or re.search(r":id=\"'([^']+)'", tag)
            if trigger and identity:
                found[identity[1]] = trigger[1]
        return found

    def waits(self):
        """What was put off happens."""
        self._loop.settle()

    def segments(self):
        """Takes a segmented case in hand, as a segmentation leaves it."""
        case = importlib.import_module("sampleCases").segmentedCase(self.bench.workspace.scene)
        self.chooses(volume=case.image.GetID())
        assert self.bench.workspace.session is not None
        return self.bench.workspace.session

    def paints(self, where):
        """One stroke with the segment editor's modifier, as trame-slicer's effects make it."""
        modifier = self.bench.web.scene.app.segmentation_editor.active_segment_modifier
        voxels = importlib.import_module("trame_slicer.utils").vtk_image_to_np(labelmap := modifier.create_modifier_labelmap())
        voxels[where] = 1
        modifier.apply_labelmap(labelmap)
        self.waits()


@pytest.fixture
def a_person(loop, scene, slicer_app, tmp_path):
    """Someone at the page; nobody serves it."""
    from trame_server import Server

    from dualssl_web.app import WebApp
    from dualssl_web.settings import Settings
    from dualssl_web.slicer_scene import SlicerScene

    server = Server(f"page {tmp_path.name}")
    server.client_type = "vue3"

    async def made():
        return WebApp(server, Settings(None, None, None, tmp_path), SlicerScene(slicer_app))

    app = loop.run_until_complete(made())
    client = RecordedClient()
    app.bench.workspace.setClient(client)
    server.state.ready()
    loop.settle()
    yield Person(app, loop, client)
    app.close()
    loop.settle()


@pytest.fixture
def a_model(tmp_path):
    """A model folder's manifest is all that choosing needs."""
    return SimpleNamespace(
        folder=Path("models/atria"),
        id="atria",
        name="Atria",
        title="Atria",
        standing="shipped",
        description="Segments.",
        channels=("MR",),
        fieldOfView=None,
    )
