"""From a volume in the scene to a segmented case, by a real worker; and that a segmentation that ends early leaves nothing."""

import contextlib
import json
import os
import resource
import shutil
import signal

import numpy as np
import psutil
import pytest
import slicer

from dualssl.errors import PredictionError
from dualssl.model.layout import MANIFEST
from DualSSLSegmentationLib.jobs.segmenting import SegmentRequest, segment
from DualSSLSegmentationLib.scene.roi import roiBounds
from DualSSLSegmentationLib.scene.segmentation import labelMapOf
from DualSSLSegmentationLib.scene.volumes import volumeOf
from trainedModels import FIRST_UNSEEN, LABELS, STRUCTURE, addSlowVolume, addSphere, sphere
from workerTransport import Engine
from workspaceBench import nodesIn


class Running:
    """A segmentation under way, and what was told of it."""

    def __init__(self, engine, image, model, folder, **request):
        self.engine = engine
        self.scene = image.GetScene()
        self.folder = folder
        self.before = nodesIn(self.scene)
        self.states = []
        self.ended = []
        wish = SegmentRequest(image, model, "cpu", **request)
        self.job = segment(engine.client, wish, folder, engine.loop.schedule, self.states.append, self.ended.append)

    def until(self, *texts):
        self.engine.loop.runUntil(lambda: self.ended or any(state.text.startswith(texts) for state in self.states))
        assert not self.ended, self.ended

    def end(self):
        self.engine.loop.runUntil(lambda: self.ended)
        assert len(self.ended) == 1
        return self.ended[0]

    def assertNothingLeft(self):
        assert nodesIn(self.scene) == self.before
        assert not self.folder.exists()
        assert list(self.folder.parent.iterdir()) == []


def dice(labels, truth):
    return 2 * np.count_nonzero((labels == 1) & (truth == 1)) / (np.count_nonzero(labels == 1) + np.count_nonzero(truth == 1))


@pytest.fixture(scope="module")
def engine():
    """A worker for all tests of this file: torch takes seconds to import."""
    made = Engine()
    yield made
    made.close()
    assert not any(psutil.pid_exists(pid) for pid in made.pids)


@pytest.fixture
def exchange(tmp_path):
    folder = tmp_path / "Austausch 交換"
    folder.mkdir()
    return folder


@pytest.fixture
def start(engine, scene, a_model_that_segments, exchange):
    """Starts the segmentation of a volume, by default of a sphere."""

    def begin(image=None, model=a_model_that_segments, by=engine, **request):
        return Running(by, image or addSphere(scene), model, exchange / "1", **request)

    return begin


@contextlib.contextmanager
def filesUpTo(size):
    """No file of this process may grow beyond some bytes: as good as a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_volume_becomes_a_segmented_case(start, scene, a_model_that_segments):
    running = start(addSphere(scene, name="Herz é"))
    ended = running.end()
    assert ended.ok, ended
    case = ended.value
    image, truth = sphere(FIRST_UNSEEN)
    assert case.node.GetName() == "Herz é (Spheres)"
    assert case.image.GetName() == "Herz é"
    assert case.labels.names == (STRUCTURE,)
    assert dice(labelMapOf(case, LABELS, case.image).array, truth.array) > 0.85
    assert case.missing() == ()
    assert volumeOf(case.entropy).array.max() > 0.5
    assert case.regionEntries
    assert case.provenance["model_name"] == "Spheres"
    assert case.provenance["model_folder"] == str(a_model_that_segments)
    np.testing.assert_array_equal(volumeOf(case.image).array, image.array)
    texts = [state.text for state in running.states]
    assert texts[0] == "Handing the volume to the engine"
    assert any(state.fraction is not None for state in running.states)
    assert not running.folder.exists()


def test_a_second_volume_is_segmented_without_loading_the_networks_again(start, scene, engine, a_model_that_segments):
    start().end()
    answers = []
    params = {"model": str(a_model_that_segments), "device": "cpu"}
    engine.client.request("prepare", params, answers.append, answers.append)
    engine.loop.runUntil(lambda: answers)
    assert answers[0]["warm"] is True
    assert start(addSphere(scene, FIRST_UNSEEN + 1, "Second")).end().ok


def test_a_name_can_be_given(start):
    assert start(name="左心房").end().value.node.GetName() == "左心房"


def test_inside_a_region_of_interest_only(start, scene):
    image = addSphere(scene)
    region = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    bounds = [0.0] * 6
    image.GetRASBounds(bounds)
    centre = [(bounds[0] + bounds[1]) / 2, (bounds[2] + bounds[3]) / 2, (bounds[4] + bounds[5]) / 2]
    region.SetCenter(bounds[0], *centre[1:])  # one half of the image, by its first axis
    region.SetSize(bounds[1] - bounds[0], 200, 200)
    case = start(image, roi=roiBounds(region, image)).end().value
    labels = labelMapOf(case, LABELS, image).array
    inside = volumeOf(image).geometry.kji_to_ras(np.argwhere(labels))
    assert len(inside) > 0
    assert (inside[:, 0] < centre[0] + 2).all()
    assert case.provenance["roi"] is not None


def test_a_volume_under_a_transform_takes_its_result_along(start, scene):
    image, transform = addSphere(scene), scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    image.SetAndObserveTransformNodeID(transform.GetID())
    case = start(image).end().value
    assert case.node.GetTransformNodeID() == case.entropy.GetTransformNodeID() == transform.GetID()


@pytest.mark.parametrize("text", ["Handing", "Loading the entropy", "Loading the regions", "Making", "Putting"])
def test_cancelled_in_the_application_nothing_stays(start, text):
    running = start()
    running.until(text)
    running.job.cancel()
    assert running.ended[0].cancelled
    running.assertNothingLeft()


def test_cancelled_while_it_waits_for_another_job_nothing_stays(start, engine, scene, a_model_that_segments, tmp_path):
    other = Running(engine, addSlowVolume(scene), a_model_that_segments, tmp_path / "other")
    other.until("Segmenting")
    running = start()
    running.until("Waiting for the engine")  # started it was by the other one
    engine.loop.runFor(0.3)
    running.job.cancel()
    assert running.end().cancelled
    running.assertNothingLeft()
    assert not other.ended
    other.job.cancel()
    assert other.end().cancelled


def test_cancelled_while_it_is_predicted_nothing_stays_and_the_next_one_works(start, scene):
    running = start(addSlowVolume(scene))
    running.until("Segmenting")
    running.job.cancel()
    running.job.cancel()
    assert running.end().cancelled
    running.assertNothingLeft()
    assert start().end().ok


def test_abandoned_while_it_is_predicted_nothing_stays_and_nothing_is_told(start, scene, engine):
    running = start(addSlowVolume(scene))
    running.until("Segmenting")
    running.job.abandon()
    engine.loop.runUntil(lambda: not running.folder.exists())
    engine.loop.runFor(0.2)
    assert running.ended == []
    running.assertNothingLeft()


def change(image):
    slicer.util.arrayFromVolume(image)[0, 0, 0] += 1
    slicer.util.arrayFromVolumeModified(image)


def move(image):
    image.SetOrigin(1, 2, 3)


def delete(image):
    image.GetScene().RemoveNode(image)


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (change, "'Sphere' was changed while it was being segmented"),
        (move, "'Sphere' was changed while it was being segmented"),
        (delete, "'Sphere' was deleted while it was being segmented"),
    ],
)
@pytest.mark.parametrize("texts", [("Handing",), ("Waiting", "Starting"), ("Checking",), ("Making",)])
def test_a_volume_that_does_not_stay_as_it_is_gets_no_result(start, scene, engine, happens, said, texts):
    image = addSphere(scene)
    running = start(image)
    running.until(*texts)
    happens(image)
    ended = running.end()
    assert (ended.ok, ended.cancelled) == (False, False)
    assert said in ended.message
    assert nodesIn(scene) <= running.before
    assert not running.folder.exists()


def test_a_volume_without_voxels_is_refused(start, scene):
    running = start(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty"))
    ended = running.end()
    assert "'Empty'" in ended.message
    running.assertNothingLeft()


def test_a_result_is_kept_apart_from_forty_segments_of_somebody_else(start, scene):
    other = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Forty")
    for number in range(40):
        other.GetSegmentation().AddEmptySegment("", f"segment {number}")
    case = start().end().value
    assert other.GetSegmentation().GetNumberOfSegments() == 40
    assert case.node.GetSegmentation().GetNumberOfSegments() == 1


def test_a_full_disk_when_the_volume_is_handed_over_is_said(start):
    with filesUpTo(1000):
        running = start()
        ended = running.end()
    assert str(running.folder / "image.npy") in ended.message
    assert "could not be written" in ended.message
    running.assertNothingLeft()


def test_a_full_disk_when_the_result_is_written_is_said(start):
    full = Engine(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)))
    running = start(by=full)
    ended = running.end()
    assert "could not be written" in ended.message
    running.assertNothingLeft()
    full.close()


def test_a_model_of_two_channels_is_refused_in_one_sentence_before_anything_starts(
    start, scene, a_model_that_segments, tmp_path
):
    model = tmp_path / "two channels"
    shutil.copytree(a_model_that_segments, model)
    manifest = json.loads((model / MANIFEST).read_text(encoding="utf-8"))
    manifest["channel_names"] = ["MRI", "T2"]
    manifest["networks"]["in_channels"] = 2
    manifest["preprocessing"]["normalisation"] *= 2
    (model / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    image = addSphere(scene)
    before = nodesIn(scene)
    with pytest.raises(PredictionError) as refused:
        start(image, model=model)
    assert str(refused.value) == (
        "The model 'Spheres' needs 2 volumes of one patient at once (MRI, T2), and one is given: choose a model for one volume."
    )
    assert nodesIn(scene) == before


def test_a_model_that_is_removed_meanwhile_is_said_or_not_needed_any_more(start, scene, a_model_that_segments, tmp_path):
    model = shutil.copytree(a_model_that_segments, tmp_path / "Modell ö")
    running = start(addSlowVolume(scene), model=model)
    running.until("Segmenting")
    shutil.rmtree(model)
    running.job.cancel()
    running.end()
    ended = start(model=model).end()
    assert not ended.ok
    assert str(model) in ended.message
    assert start().end().ok


def test_a_worker_that_is_killed_is_one_sentence_and_the_next_segmentation_works(start, scene, engine):
    running = start(addSlowVolume(scene))
    running.until("Segmenting")
    os.kill(engine.client.pid, signal.SIGKILL)
    ended = running.end()
    assert not ended.cancelled
    assert ended.message.startswith("The segmentation engine was ended by the system")
    assert "\n" not in ended.message
    running.assertNothingLeft()
    again = start()
    assert again.end().ok
    assert "Starting the engine" in [state.text for state in again.states]
