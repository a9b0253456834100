"""Cancel at every stage, and what else may happen while a job runs: nothing half-made stays, no process is left."""

import os
import time

import pytest

STARTED = 60.0
ENDED = 30.0


@pytest.fixture
def at_work(a_person, a_model_at_home, scene):
    """A person who has opened the module on a volume that takes the model many seconds."""
    from trainedModels import addSlowVolume

    addSlowVolume(scene)
    return a_person()


def worker(person):
    """The worker's process id, once it has told."""
    person.waitUntil(lambda: person.workspace.client.pid is not None, STARTED)
    return person.workspace.client.pid


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pid, seconds=10.0):
    """Whether a process ends within some seconds."""
    end = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def predicting(person):
    """Wait until the network is at it."""
    bar = person.widget("segmentBar")
    person.waitUntil(lambda: bar.maximum() == 100 and bar.value() > 0, STARTED)


def names(scene):
    nodes = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
    return sorted(n.GetID() for n in nodes if n.IsA("vtkMRMLVolumeNode") or n.IsA("vtkMRMLSegmentationNode"))


def test_a_segmentation_is_cancelled_before_the_engine_has_started(at_work, scene):
    before = names(scene)
    at_work.click("segmentButton")
    at_work.click("segmentButton")
    at_work.waitUntil(lambda: not at_work.workspace.busy("segment"), ENDED)
    assert at_work.widget("segmentStatus").text() == "Cancelled."
    assert at_work.widget("segmentButton").text() == "Segment"
    assert names(scene) == before


def test_a_segmentation_is_cancelled_while_the_network_is_at_it(at_work, scene):
    before = names(scene)
    at_work.click("segmentButton")
    predicting(at_work)
    at_work.click("segmentButton")
    at_work.waitUntil(lambda: not at_work.workspace.busy("segment"), ENDED)
    at_work.turn()
    assert at_work.widget("segmentStatus").text() == "Cancelled."
    assert not at_work.widget("segmentBar").isVisible()
    assert names(scene) == before


def test_a_closed_scene_ends_a_segmentation_without_a_word(at_work, application, scene):
    at_work.click("segmentButton")
    predicting(at_work)
    application.clearScene()
    at_work.turn()
    assert not at_work.workspace.busy("segment")
    assert at_work.workspace.session is None
    assert not at_work.widget("segmentButton").isEnabled()
    assert "volume" in at_work.widget("segmentButton").toolTip()
    assert not names(scene)


def test_a_deleted_volume_is_said(at_work, scene):
    from trainedModels import addSphere

    sphere = addSphere(scene)
    at_work.choose("imageSelector", "Sphere")
    at_work.click("segmentButton")
    scene.RemoveNode(sphere)
    at_work.waitUntil(lambda: not at_work.workspace.busy("segment"), STARTED)
    at_work.turn()
    assert "deleted" in at_work.widget("segmentStatus").text()
    assert at_work.workspace.session is None


def test_a_worker_that_is_killed_is_said_and_the_next_one_works(at_work, scene):
    from trainedModels import addSphere

    at_work.click("segmentButton")
    predicting(at_work)
    os.kill(worker(at_work), 9)
    at_work.waitUntil(lambda: not at_work.workspace.busy("segment"), ENDED)
    at_work.turn()
    assert at_work.widget("segmentStatus").text() not in ("", "Cancelled.")
    addSphere(scene)
    at_work.choose("imageSelector", "Sphere")
    at_work.click("segmentButton")
    at_work.waitUntil(lambda: at_work.workspace.session is not None, 90)


def test_a_reloaded_module_leaves_no_process_and_no_observer(at_work, scene):
    at_work.click("segmentButton")
    predicting(at_work)
    pid = worker(at_work)
    at_work.module.close()
    assert gone(pid)
    # Whoever still listened would meet panels that are gone.
    scene.InvokeEvent(scene.StartCloseEvent)
    scene.InvokeEvent(scene.EndCloseEvent)


def test_a_self_check_is_cancelled(at_work):
    at_work.click("checkButton")
    assert at_work.widget("checkButton").text() == "Cancel"
    worker(at_work)
    at_work.click("checkButton")
    at_work.waitUntil(lambda: not at_work.workspace.busy("check"), ENDED)
    assert at_work.widget("setupStatus").text() == "Cancelled."
