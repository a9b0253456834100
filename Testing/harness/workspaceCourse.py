"""The steps of the course of work that tests of the workspace begin with: segmented, edited, ready to be saved."""

import shutil

import numpy as np
import psutil

from DualSSLSegmentationLib.jobs.handover import Handover
from DualSSLSegmentationLib.jobs.segmenting import SegmentRequest
from DualSSLSegmentationLib.workspace import Places
from trainedModels import addSphere
from workerTransport import Engine
from workspaceBench import Bench

PAINTED = np.s_[1:3, 2:6, 2:8]


def sharedBench(scene, modelFolder, home):
    """One workspace for many scenes, as in the application: its worker stays warm. For a fixture to `yield from`."""
    shutil.copytree(modelFolder, home / "shipped" / "spheres")
    bench = Bench(scene, Engine(), Places(home / "shipped", home))
    yield bench
    bench.close()
    assert not any(psutil.pid_exists(pid) for pid in bench.engine.pids)


def request(bench, image=None, **other):
    model = bench.workspace.models.default()
    return SegmentRequest(image or addSphere(bench.scene), model.folder, "cpu", **other)


def segmented(bench, image=None, merge=None):
    bench.workspace.segment(request(bench, image), merge)
    bench.finish()
    assert not [text for kind, text in bench.messages if kind == "error"], bench.messages
    return bench.session


def edited(bench):
    """A case on which a person painted, and decided about a region."""
    session = segmented(bench)
    bench.editorOf(session.case.node).paint(PAINTED)
    session.next()
    session.accept()
    session.hideMarks()
    bench.settle()
    return session


def handover(bench, name="Fall_01", library="Bibliothek 左"):
    return Handover(bench.workspace.places.home / library, name, "Dr. Müller")
