"""What may go wrong around a workspace: an engine that babbles or is killed, and awkward places."""

import os
import shutil
import signal
import sys

import psutil
import pytest

from dualssl.cases.check import check_library
from dualssl.cases.library import CaseLibrary
from DualSSLSegmentationLib.jobs.fineTuning import FineTuneWish
from DualSSLSegmentationLib.workspace import Places
from trainedModels import addSphere
from workerTransport import Engine
from workspaceBench import Bench
from workspaceCourse import edited, handover, segmented, sharedBench

# Before the worker has the stream to itself: text, bytes that are no text, JSON that is no message, a message for nobody, and a
# line so long that nobody may have it in memory.
BABBLE = (
    "import os, runpy, sys\n"
    "for noise in (b'Welcome!\\n', b'\\xff\\xfe\\x00\\n', b'{\"a\": [1\\n', b'[]\\nnull\\n', "
    'b\'{"jsonrpc": "2.0", "id": 987, "result": {}}\\n\', b\'{"jsonrpc": "2.0", "method": "progress", "params": 3}\\n\', '
    "b'x' * (1 << 20) + b'\\n'):\n"
    "    os.write(1, noise)\n"
    "sys.argv[0] = 'dualssl.worker'\n"
    "runpy.run_module('dualssl.worker', run_name='__main__')\n"
)

# At the given rename of what it stores, the first time only, the process ends as one does that is killed in this moment.
KILLED_AT = (
    "import os, pathlib, runpy, signal, sys\n"
    "left, ended = [int(sys.argv[1])], pathlib.Path(sys.argv[2])\n"
    "rename = pathlib.Path.replace\n"
    "def last_rename(self, target):\n"
    "    if 'incoming' in self.parts and not ended.exists():\n"
    "        left[0] -= 1\n"
    "        if left[0] == 0:\n"
    "            ended.touch()\n"
    "            os.kill(os.getpid(), signal.SIGKILL)\n"
    "    return rename(self, target)\n"
    "pathlib.Path.replace = last_rename\n"
    "sys.argv[:] = ['dualssl.worker']\n"
    "runpy.run_module('dualssl.worker', run_name='__main__')\n"
)


@pytest.fixture
def bench(scene, a_model_that_segments, tmp_path):
    yield from sharedBench(scene, a_model_that_segments, tmp_path)


def wishFor(bench, iterations=400):
    workspace = bench.workspace
    return FineTuneWish(
        model=workspace.models.default().folder,
        library=handover(bench).library,
        registry=workspace.places.registry,
        output=workspace.places.runs / "one",
        device="cpu",
        iterations=iterations,
        prove=False,
    )


def killed(bench):
    """The worker's process, killed by somebody else in this moment."""
    pid = bench.engine.client.pid
    os.kill(pid, signal.SIGKILL)
    return pid


def saved(bench):
    bench.workspace.save(handover(bench))
    bench.finish("save")
    return bench.saved[-1]


def test_an_engine_that_babbles_on_its_output_is_heard_all_the_same(scene, a_model_that_segments, tmp_path):
    shutil.copytree(a_model_that_segments, tmp_path / "shipped" / "spheres")
    noisy = Bench(scene, Engine((sys.executable, "-c", BABBLE)), Places(tmp_path / "shipped", tmp_path))
    session = segmented(noisy)
    assert session.review.entries()
    assert "Welcome!" in "".join(noisy.engine.log)
    noisy.close()


@pytest.mark.parametrize("rename", [1, 2, 3, 4], ids=["image", "prediction", "labels", "edit mask"])
def test_a_worker_that_is_killed_while_a_case_is_saved_leaves_the_library_whole(scene, a_model_that_segments, tmp_path, rename):
    shutil.copytree(a_model_that_segments, tmp_path / "shipped" / "spheres")
    ended = tmp_path / "ended"
    engine = Engine((sys.executable, "-c", KILLED_AT, str(rename), str(ended)))
    bench = Bench(scene, engine, Places(tmp_path / "shipped", tmp_path))
    edited(bench)
    pid = bench.engine.client.pid
    bench.workspace.save(handover(bench))
    bench.finish("save")
    assert ended.exists()
    assert [kind for kind, _ in bench.messages] == ["error"]
    assert not psutil.pid_exists(pid)
    assert bench.exchange == []
    bench.messages.clear()
    answer = saved(bench)
    folder = handover(bench).library
    with CaseLibrary.open(folder) as library:
        assert [case.name for case in library.cases()] == [answer["case"]]
        assert answer["voxels_changed_total"] > 0
    # What was on its way may lie there still, in nobody's way, until a repair takes it out.
    assert check_library(folder, repair=True).remaining == ()
    bench.close()


def test_a_worker_that_is_killed_while_it_trains_can_go_on_from_its_checkpoint(bench):
    edited(bench)
    saved(bench)
    wish = wishFor(bench)
    bench.workspace.fineTune(wish)
    bench.loop.runUntil(lambda: bench.curves is not None and bench.curves.loss)
    pid = killed(bench)
    bench.finish("finetune")
    assert [kind for kind, _ in bench.messages] == ["error"]
    assert not psutil.pid_exists(pid)
    bench.messages.clear()
    segmented(bench, addSphere(bench.scene, name="Next"))
    assert bench.messages == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows paths this long only where a person has switched them on.")
def test_places_with_long_and_foreign_names_do(scene, a_model_that_segments, tmp_path):
    home = tmp_path.joinpath(*["Ordner für das linke Vorhofohr 左心房 "[:30].strip() * 2] * 4)
    home.mkdir(parents=True)
    assert len(os.fsencode(home)) > 300
    course = sharedBench(scene, a_model_that_segments, home)
    bench = next(course)
    edited(bench)
    assert saved(bench)["version"] == 1
    assert bench.messages == []
    assert list(course) == []
