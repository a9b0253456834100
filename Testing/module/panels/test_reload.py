"""The developers' reload while the module is in use: the library is read again, nothing of before is left, work goes on."""

import gc
import sys

import pytest
from PySide6 import QtWidgets

LIBRARY = ("DualSSLSegmentationLib", "dualssl")


@pytest.fixture(autouse=True)
def library_as_before():
    """Tests that come later have imported the classes of before."""
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in LIBRARY}
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in LIBRARY]:
        del sys.modules[name]
    sys.modules.update(before)


@pytest.fixture
def at_work(a_person, a_segmented_case):
    """A person who looks at a region of a case."""
    person = a_person()
    person.module.widget._parameterNode.segmentation = a_segmented_case.node
    person.turn()
    person.click("nextButton")
    return person


@pytest.fixture
def reloaded(at_work):
    at_work.module.reload()
    at_work.turn()
    return at_work


def layers(windows):
    composites = [windows.sliceViews[name].compositeNode for name in ("Red", "Green", "Yellow")]
    return [node.GetNumberOfAdditionalLayers() for node in composites]


def observers(*objects):
    """How many observers each of the VTK objects has."""
    return [sum(each.GetCommand(tag) is not None for tag in range(1, 30_000)) for each in objects]


def test_the_library_and_the_engines_light_packages_are_read_again(at_work):
    before = type(at_work.panels), type(at_work.workspace.places), sys.modules["dualssl.errors"]
    at_work.module.reload()
    after = type(at_work.panels), type(at_work.workspace.places), sys.modules["dualssl.errors"]
    assert all(one is not other for one, other in zip(before, after, strict=True))


def test_the_case_in_hand_is_taken_up_again_and_shown(at_work, windows, a_segmented_case):
    before = layers(windows)
    assert all(before)
    at_work.module.reload()
    at_work.turn()
    assert at_work.workspace.session.case.node is a_segmented_case.node
    assert layers(windows) == before
    assert at_work.panels.correct.editor.segmentationNode().GetID() == a_segmented_case.node.GetID()


def test_buttons_and_shortcuts_act_once(reloaded):
    session = reloaded.workspace.session
    reloaded.click("nextButton")
    assert session.current.id == session.review.entries()[0].region.id
    assert [shortcut.enabled for shortcut in reloaded.panels._shortcuts] == [True] * 4


def test_nothing_of_before_listens_any_more(at_work, scene, a_segmented_case):
    node, image = a_segmented_case.node, a_segmented_case.image

    def listeners():
        at_work.turn()
        gc.collect()
        return observers(scene, node, node.GetSegmentation(), image)

    at_work.module.reload()
    first = listeners()
    for _again in range(2):
        at_work.module.reload()
    assert listeners() == first


def test_the_panel_has_each_widget_once(reloaded):
    names = [child.objectName() for child in reloaded.module.panel.findChildren(QtWidgets.QPushButton) if child.objectName()]
    assert len(names) == len(set(names))


def test_a_job_that_runs_ends_with_its_process(a_person, a_model_at_home, scene):
    import psutil

    from trainedModels import addSlowVolume

    addSlowVolume(scene)
    person = a_person()
    person.click("segmentButton")
    person.waitUntil(lambda: person.workspace.client.pid is not None)
    worker = psutil.Process(person.workspace.client.pid)
    person.module.reload()
    worker.wait(10)
    assert not person.workspace.busy("segment")
    assert person.widget("segmentButton").text() == "Segment"
