"""`dualssl predict --library`: the waiting cases of a library in a batch, kept in it."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from dualssl.cases import CaseLibrary, CaseState
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.review import score_case
from dualssl.volumes.volume import Volume

LABELS = LabelTable.from_dataset_json({"left half": 1, "right half": 2})
PATIENCE_SECONDS = 120


def ball(number, shape, grid):
    """A bright ball in noise, as the model has learnt it."""
    random = np.random.default_rng(number)
    distance = sum((axis - n / 2) ** 2 for axis, n in zip(np.ogrid[tuple(map(slice, shape))], shape, strict=True))
    return Volume((100 * (distance < 49) + random.normal(0, 8, shape)).astype(np.int16), replace(grid, shape=shape))


@pytest.fixture
def library(tmp_path, grid):
    """Four waiting cases of three patients."""
    with CaseLibrary.create(tmp_path / "library", LABELS, ("MRI",)) as library:
        for number, name in enumerate("abcd"):
            library.add_case(name, [ball(number, grid.shape, grid)], group=f"patient {number // 2}")
        yield library


@pytest.fixture
def with_a_bad_file(library):
    """The image of case b has been truncated."""
    path = library.folder / "cases" / "b" / library.files("b")[0].path
    path.write_bytes(path.read_bytes()[:-100])
    return library


def states(library):
    return {case.name: case.state.value for case in library.cases()}


def test_waiting_cases_are_predicted_and_the_predictions_kept(dualssl, model, library):
    outcome = dualssl("predict", model, "--library", library.folder, "--device", "cpu")
    assert outcome.status == 0, outcome.err
    assert states(library) == dict.fromkeys("abcd", "predicted")
    assert str(library.folder) in outcome.out
    for case in library.cases():
        files = library.read_prediction(case.name)
        assert files.labels.geometry.matches(library.geometry(case.name))
        assert 0 <= files.entropy.array.min() < files.entropy.array.max() <= 1
        assert files.kl.array.max() > 0


def test_a_prediction_comes_with_its_model_scores_and_descriptor(dualssl, model, library):
    assert dualssl("predict", model, "--library", library.folder, "--device", "cpu").status == 0
    lengths = set()
    for case in library.cases():
        files, record = library.read_prediction(case.name), case.prediction
        label, entropy, kl = files.labels.array, files.entropy.array, files.kl.array
        expected = score_case(entropy, kl, label, label, label).to_json()
        assert {k: v for k, v in record.scores.items() if k != "network_dice"} == pytest.approx(
            {k: v for k, v in expected.items() if k != "network_dice"}
        )
        assert 0 <= record.scores["network_dice"] <= 1
        assert record.provenance.model_sha256 == hashlib.sha256((model / "checksums.json").read_bytes()).hexdigest()
        assert record.provenance.model_id in (model / "configs" / "dualssl.json").read_text(encoding="utf-8")
        if label.any():
            lengths.add(len(record.features))
    assert lengths == {6 + 7 + 2}


def test_a_prediction_is_that_of_the_same_image_from_a_file(dualssl, model, library, tmp_path):
    from dualssl.volumes.read import read_volume
    from dualssl.volumes.write import write_volume

    write_volume(library.read_images("a")[0], tmp_path / "a.nrrd")
    for where in (("--library", library.folder), (tmp_path / "a.nrrd", "--output", tmp_path / "results")):
        assert dualssl("predict", model, *where, "--device", "cpu").status == 0
    for kind, ending in (("labels", "seg"), ("entropy", "entropy"), ("kl", "kl")):
        kept = getattr(library.read_prediction("a"), kind)
        np.testing.assert_array_equal(kept.array, read_volume(tmp_path / "results" / f"a.{ending}.nrrd").array)


def test_only_waiting_cases_are_predicted_unless_all_are_asked_for(dualssl, model, library):
    library.set_state("a", CaseState.excluded)
    for options, predictions in (((), 1), ((), 1), (("--all",), 2)):
        outcome = dualssl("predict", model, "--library", library.folder, "--device", "cpu", *options)
        assert outcome.status == 0, outcome.err
        assert [len(library.predictions(name)) for name in "abcd"] == [0] + 3 * [predictions]
    assert states(library) == {"a": "excluded"} | dict.fromkeys("bcd", "predicted")


def test_what_people_made_of_a_case_stays_when_all_are_predicted(dualssl, model, library, grid):
    labels = Volume(np.ones(grid.shape, np.uint8), grid)
    library.save_correction("a", labels, reviewer="R")
    library.set_state("b", CaseState.in_review)
    outcome = dualssl("predict", model, "--library", library.folder, "--device", "cpu", "--all")
    assert outcome.status == 0, outcome.err
    assert states(library) == {"a": "corrected", "b": "in review", "c": "predicted", "d": "predicted"}
    assert library.read_labels("a").array.all()
    assert [len(library.predictions(name)) for name in "abcd"] == [1, 1, 1, 1]


def test_a_bad_file_stops_no_other_case_and_is_named_at_the_end(dualssl, model, with_a_bad_file):
    outcome = dualssl("predict", model, "--library", with_a_bad_file.folder, "--device", "cpu")
    assert outcome.status == 2
    assert "1 of 4 cases could not be predicted ('b')" in outcome.complaint
    assert "b was not predicted: " in outcome.out
    assert "image_0000.nrrd" in outcome.out
    assert states(with_a_bad_file) == dict.fromkeys("acd", "predicted") | {"b": "waiting"}


def test_a_library_without_waiting_cases_is_no_error(dualssl, model, tmp_path):
    CaseLibrary.create(tmp_path / "library", LABELS, ("MRI",)).close()
    for options in ((), ("--all",)):
        outcome = dualssl("predict", model, "--library", tmp_path / "library", *options)
        assert outcome.status == 0, outcome.err
        assert "No case of" in outcome.out


@pytest.mark.parametrize(
    ("labels", "channels", "named"),
    [
        ({"left half": 1}, ("MRI",), "segments left half, right half, but the structures of the library"),
        ({"left half": 2, "right half": 1}, ("MRI",), "are right half, left half"),
        ({"left half": 1, "right half": 2}, ("CT",), "takes the channels MRI, but the channels of the library"),
        ({"left half": 1, "right half": 2}, ("MRI", "MRI 2"), "are MRI, MRI 2"),
    ],
)
def test_a_model_for_something_else_is_refused(dualssl, model, tmp_path, labels, channels, named):
    CaseLibrary.create(tmp_path / "library", LabelTable.from_dataset_json(labels), channels).close()
    outcome = dualssl("predict", model, "--library", tmp_path / "library")
    assert outcome.status == 2
    assert named in outcome.complaint
    assert str(tmp_path / "library") in outcome.complaint


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--library", "L", "a.nrrd"), "INPUT cannot be used with --library"),
        (("--library", "L", "--output", "O"), "--output cannot"),
        (("--library", "L", "--roi=0,1,0,1,0,1"), "--roi cannot"),
        (("--library", "L", "--series", "1.2"), "--series cannot"),
        (("--library", "L", "--overwrite"), "--overwrite cannot"),
        (("a.nrrd", "--output", "O", "--all"), "--all"),
        (("a.nrrd",), "--output FOLDER"),
        (("--output", "O"), "give volumes"),
        ((), "--library LIBRARY"),
    ],
)
def test_options_that_do_not_go_together_are_told(dualssl, model, tmp_path, monkeypatch, arguments, named):
    monkeypatch.chdir(tmp_path)
    outcome = dualssl("predict", model, *arguments)
    assert outcome.status == 2
    assert named in outcome.complaint
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_library_is_told(dualssl, model, tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        outcome = dualssl("predict", model, "--library", folder)
        assert outcome.status == 2
        assert str(folder) in outcome.complaint


def test_a_full_disk_ends_the_batch_and_keeps_what_was_finished(dualssl, model, library, grid, limited_files):
    # One case alone needs large files.
    large = Geometry((80, 80, 80), grid.spacing)
    library.add_case("big", [ball(9, large.shape, large)])
    with limited_files(1_000_000):
        outcome = dualssl("predict", model, "--library", library.folder, "--device", "cpu")
    assert outcome.status == 2
    assert "could not be written" in outcome.complaint
    # In order of name: a, b, big.
    assert states(library) == dict.fromkeys("ab", "predicted") | dict.fromkeys(("big", "c", "d"), "waiting")
    assert not list((library.folder / "incoming").glob("*"))


# The command line itself, which takes so long over its third case that the signal comes meanwhile, however busy the machine is.
# A program started in the background ignores Ctrl+C, and so do those that it starts: not here.
LONG_THIRD_CASE = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from dualssl.prediction.predictor import Predictor
predict, calls = Predictor.predict, []
def predict_or_wait(self, *arguments, **more):
    calls.append(True)
    if len(calls) == 3:
        time.sleep(600)
    return predict(self, *arguments, **more)
Predictor.predict = predict_or_wait
from dualssl.cli.app import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is no signal there")
def test_ctrl_c_keeps_what_was_finished_and_the_next_run_does_the_rest(dualssl, model, library):
    command = [sys.executable, "-c", LONG_THIRD_CASE, "predict", str(model), "--library", str(library.folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environment)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while states(library)["b"] == "waiting":
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, complaint
    assert "What was finished is kept" in complaint
    assert "Traceback" not in complaint
    assert states(library) == dict.fromkeys("ab", "predicted") | dict.fromkeys("cd", "waiting")
    assert dualssl("predict", model, "--library", library.folder, "--device", "cpu").status == 0
    assert set(states(library).values()) == {"predicted"}
    assert [len(library.predictions(name)) for name in "abcd"] == [1, 1, 1, 1]


@pytest.fixture
def predictor(model):
    from dualssl.model.folder import load_model
    from dualssl.prediction.predictor import PredictionSettings, Predictor

    networks, manifest = load_model(model)
    return Predictor(networks, manifest, PredictionSettings(device="cpu"))


def test_a_case_that_another_process_took_meanwhile_is_left_out(predictor, library):
    from dualssl.library_prediction import predict_library

    def somebody_works_too(progress):
        if progress.name == "a" and progress.done == 1:
            library.set_state("b", CaseState.excluded)
            library.remove_case("c")

    report = predict_library(library, predictor, "0" * 64, on_case=somebody_works_too)
    assert report.predicted == ("a", "d")
    assert report.left_out == ("b",)
    assert [name for name, _ in report.failed] == ["c"]
    assert library.predictions("b") == ()


# Stops within the first case until it is told to go on.
BATCH = """
import sys
from pathlib import Path
from dualssl.cases import CaseLibrary
from dualssl.library_prediction import predict_library
from dualssl.model.folder import load_model
from dualssl.model.integrity import model_sha256
from dualssl.prediction.predictor import PredictionSettings, Predictor

def wait(progress):
    if progress.name == "a" and progress.windows is not None and progress.windows[0] == 0:
        print("predicting", flush=True)
        sys.stdin.readline()

model = Path(sys.argv[1])
predictor = Predictor(*load_model(model), PredictionSettings(device="cpu"))
with CaseLibrary.open(Path(sys.argv[2])) as library:
    report = predict_library(library, predictor, model_sha256(model), on_case=wait)
print(*report.predicted, flush=True)
"""


@pytest.mark.parametrize("end", ["goes on", "is killed"])
def test_two_batches_share_the_cases_and_a_killed_one_blocks_none(dualssl, model, library, end):
    command = [sys.executable, "-c", BATCH, str(model), str(library.folder)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
    try:
        assert other.stdout.readline() == "predicting\n"
        outcome = dualssl("predict", model, "--library", library.folder, "--device", "cpu")
        assert outcome.status == 0, outcome.err
        assert states(library) == {"a": "waiting"} | dict.fromkeys("bcd", "predicted")
        assert "another program" in outcome.out
        if end == "goes on":
            assert other.communicate("go on\n")[0] == "a\n"
        else:
            other.kill()
            other.wait()
            assert dualssl("predict", model, "--library", library.folder, "--device", "cpu").status == 0
    finally:
        other.kill()
        other.communicate()
    assert [len(library.predictions(name)) for name in "abcd"] == [1, 1, 1, 1]


@pytest.mark.parametrize(("sha256", "again"), [("0" * 64, ()), ("1" * 64, ("a", "b", "c", "d"))])
def test_what_another_batch_with_the_same_model_predicted_meanwhile_is_left_out(predictor, library, sha256, again):
    from dualssl.library_prediction import ALL, predict_library

    def another_batch(progress):
        if library.case("a").prediction is None:
            predict_library(library, predictor, "0" * 64, ALL)

    report = predict_library(library, predictor, sha256, ALL, another_batch)
    assert report.predicted == again
    assert report.left_out == tuple(name for name in "abcd" if name not in again)


def test_progress_is_told_before_during_and_after_each_case(predictor, with_a_bad_file):
    from dualssl.library_prediction import predict_library

    told = []
    predict_library(with_a_bad_file, predictor, "0" * 64, on_case=told.append)
    assert {progress.total for progress in told} == {4}
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    of_a = [progress for progress in told if progress.name == "a"]
    assert (of_a[0].done, of_a[0].windows) == (0, None)
    assert of_a[-2].windows[0] == of_a[-2].windows[1] > 0
    assert (of_a[-1].done, of_a[-1].scores.foreground_voxels >= 0) == (1, True)
    assert [progress.name for progress in told if progress.error] == ["b"]


def test_a_library_that_can_only_be_read_is_refused_before_the_work(predictor, library, monkeypatch):
    from dualssl.errors import LibraryError
    from dualssl.library_prediction import predict_library

    monkeypatch.setattr(library, "read_only", True)
    with pytest.raises(LibraryError, match="can only be read"):
        predict_library(library, predictor, "0" * 64)
