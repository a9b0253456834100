"""The whole loop on spheres: what it measures, and that it can be stopped anywhere."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from dualssl.case_files import EDITED, LEFT, UNSEEN
from dualssl.cases.check import check_library
from dualssl.cases.library import CaseLibrary
from dualssl.cases.records import PredictionFiles
from dualssl.cases.states import CaseState
from dualssl.errors import DatasetError, LibraryError, TrainingError
from dualssl.files import sha256_of
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.learning_loop.choice import chosen_cases
from dualssl.learning_loop.libraries import copy_library
from dualssl.learning_loop.loop import LearningLoop
from dualssl.learning_loop.plan import Order
from dualssl.learning_loop.publish import publish
from dualssl.learning_loop.reviews import Review
from dualssl.locks import exclusive
from dualssl.model.folder import load_model, read_manifest, save_model, verify_model
from dualssl.model.layout import CHECKSUMS
from dualssl.prediction.predictor import PredictionSettings, Predictor
from dualssl.volumes.read import read_label_map
from dualssl.volumes.volume import Volume
from dualssl.worklist import library_candidates, rank


def without_times(records):
    """Records, but for how long they took."""
    return [replace(record, seconds_training=0.0, seconds_total=0.0) for record in records]


@pytest.fixture(scope="module")
def finished(plan, spheres, model, tmp_path_factory):
    """Folder and records of an uninterrupted loop of both orders. Only for tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("finished") / "loop"
    return folder, LearningLoop(plan, spheres, model, folder, "cpu").run()


def test_every_round_of_every_order_is_scored_once(finished):
    _, records = finished
    assert [(r.kind, r.order, r.cases) for r in records] == [
        ("frozen", None, 0),
        ("finetune", "ranked", 1),
        ("finetune", "ranked", 2),
        ("finetune", "random", 1),
        ("finetune", "random", 2),
    ]
    for record in records[1:]:
        assert len(record.names) == record.cases
        assert record.old_dice_base == records[0].old_dice
        assert set(record.dice_by_case) == {"seen_0", "seen_1"}
        assert record.dice == pytest.approx(np.mean(list(record.dice_by_case.values())))
        assert record.seconds_total > record.seconds_training > 0.0
    # A round keeps the cases of the one before it.
    assert records[2].names[0] == records[1].names[0]
    assert records[2].voxels_corrected > records[1].voxels_corrected


def test_what_was_corrected_are_voxels_of_top_regions(finished, spheres):
    folder, records = finished
    _, _, record, *_ = records
    with CaseLibrary.open(folder / "ranked" / "library") as library:
        changed = 0
        for name in record.names:
            case = library.case(name)
            labels = library.read_labels(name)
            marks = library.read_edit_mask(name).array
            mask = marks == EDITED
            truth = read_label_map(spheres.label_path(name), (0, 1)).array
            before = library.read_prediction(name, case.labels.based_on).labels.array
            assert np.array_equal(labels.array != before, mask)
            assert np.array_equal(labels.array[mask], truth[mask])
            # What the reader looked at and left is right; of the rest nobody can tell.
            assert np.array_equal(labels.array[marks == LEFT], truth[marks == LEFT])
            assert (marks == UNSEEN).any()
            assert case.labels.reviewer == "simulated reader"
            assert 1 <= len(case.labels.regions_reviewed) <= 3
            review = Review.read(folder / "ranked" / "reviews" / f"{name}.json")
            assert review.voxels_changed == mask.sum() == case.labels.voxels_changed_total
            assert review.errors_after == (labels.array != truth).sum()
            changed += mask.sum()
        assert record.voxels_corrected == changed


def test_the_truth_of_the_pool_stays_outside_the_libraries(finished):
    folder, _ = finished
    with CaseLibrary.open(folder / "base" / "library") as library:
        assert {case.state for case in library.cases()} == {CaseState.predicted}
        assert all(case.labels is None for case in library.cases())
    with CaseLibrary.open(folder / "random" / "library") as library:
        assert len(library.cases(CaseState.corrected)) == 2


def test_each_model_goes_on_from_the_first_one_with_the_corrected_and_the_old_cases(finished, model):
    folder, records = finished
    child = verify_model(folder / "ranked" / "round_02" / "run" / "model").manifest
    assert child.parent == read_manifest(model).id
    assert child.provenance["labelled"] == list(records[2].names)
    assert child.provenance["replayed"] == ["old_0", "old_1"]
    assert child.provenance["unlabelled"] == 2
    assert child.provenance["validation"] == []


def test_the_reader_sees_the_newest_model(finished, model):
    folder, records = finished
    ids = [read_manifest(model).id, read_manifest(folder / "ranked" / "round_01" / "run" / "model").id]
    reviews = [Review.read(folder / "ranked" / "reviews" / f"{name}.json") for name in records[2].names]
    assert [review.model for review in reviews] == ids
    with CaseLibrary.open(folder / "ranked" / "library") as library:
        assert [library.case(name).labels.provenance.model_id for name in records[2].names] == ids


def test_scores_are_those_of_the_model_on_the_dataset(finished, spheres, model):
    from dualssl.evaluation.evaluate import evaluate_model

    folder, records = finished
    for place, record in ((model, records[0]), (folder / "random" / "round_02" / "run" / "model", records[4])):
        predictor = Predictor(*load_model(place), PredictionSettings(device="cpu"))
        mean = evaluate_model(predictor, spheres, ("seen_0", "seen_1")).mean()
        old = evaluate_model(predictor, spheres, ("old_0", "old_1")).mean()
        assert (record.dice, record.hd95, record.old_dice) == pytest.approx((mean.dice, mean.hd95, old.dice), abs=1e-6)


def test_the_first_model_stays_as_it_is(loop_of, model):
    before = {path: sha256_of(path) for path in model.rglob("*") if path.is_file()}
    loop_of(rounds=(1,), orders=("random",)).run()
    assert {path: sha256_of(path) for path in model.rglob("*") if path.is_file()} == before


def test_a_finished_loop_computes_nothing_more(finished, loop_of):
    folder, records = finished
    told = []
    before = {path: sha256_of(path) for path in folder.rglob("round_*/**/*") if path.is_file()}
    assert loop_of(folder, on_progress=told.append, on_record=told.append).run() == records
    assert told == []
    assert {path: sha256_of(path) for path in folder.rglob("round_*/**/*") if path.is_file()} == before


def test_a_loop_stopped_at_every_step_comes_to_the_same_records(finished, loop_of, tmp_path):
    folder, seen, stops = tmp_path / "stopped", set(), []

    def stop(progress):
        step = (progress.stage, progress.done, progress.training is None)
        if step not in seen:
            seen.add(step)
            stops.append(step)
            raise RuntimeError("stopped")

    while True:
        try:
            records = loop_of(folder, on_progress=stop, orders=("ranked",)).run()
            break
        except RuntimeError:
            continue
    assert len(stops) > 20
    assert without_times(records) == without_times(finished[1][:3])
    with CaseLibrary.open(folder / "ranked" / "library") as library:
        assert all(len(library.label_versions(case.name)) <= 1 for case in library.cases())


KILLED = """
import json, os, signal, sys
from pathlib import Path
writes = 0
def count(event, arguments):
    global writes
    if event == "os.rename":
        writes += 1
        if writes == int(sys.argv[4]):
            os.kill(os.getpid(), signal.SIGKILL)
from dualssl.dataset import read_dataset
from dualssl.learning_loop.loop import LearningLoop
from dualssl.learning_loop.plan import LoopPlan
plan = LoopPlan.from_json(json.loads(sys.argv[5]))
loop = LearningLoop(plan, read_dataset(Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]), "cpu")
sys.addaudithook(count)
loop.run()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 exists on Unix only")
def test_a_loop_killed_amid_its_writes_comes_to_the_same_records(finished, loop_of, plan, spheres, model, tmp_path):
    """Two processes are killed with -9 at one of their writes; the third gets through."""
    folder = tmp_path / "killed"
    short = replace(plan, orders=("ranked",))
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    kills = 0
    for writes in (31, 37, 1000):
        arguments = (str(spheres.folder), str(model), str(folder), str(writes), json.dumps(short.to_json()))
        process = subprocess.run([sys.executable, "-c", KILLED, *arguments], env=environment, capture_output=True, check=False)
        assert process.returncode in (0, -signal.SIGKILL), process.stderr.decode()
        kills += process.returncode != 0
        if process.returncode == 0:
            break
    assert kills == 2
    assert process.returncode == 0
    records = loop_of(folder, orders=("ranked",)).run()
    assert without_times(records) == without_times(finished[1][:3])


def test_other_settings_are_refused_and_leave_the_loop_as_it_is(finished, loop_of):
    folder, records = finished
    with pytest.raises(TrainingError, match=r"other settings \(rounds, settings\)"):
        loop_of(folder, rounds=(1,), settings=replace(loop_of()._plan.settings, iterations=3)).run()
    assert loop_of(folder).run() == records


def test_a_folder_of_somebody_elses_files_is_left_alone(loop_of, tmp_path):
    (tmp_path / "thesis.txt").write_text("five years")
    with pytest.raises(TrainingError, match="is not empty"):
        loop_of(tmp_path).run()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_case_without_labels_is_named_before_anything_is_done(loop_of, tmp_path):
    with pytest.raises(DatasetError, match="--pool names case 'nobody'"):
        loop_of(pool=("nobody", "pool_1")).run()
    assert not (tmp_path / "loop").exists()


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"labels": LabelTable.from_dataset_json({"ventricle": 1})}, "structures ventricle"), ({"channel_names": ("CT",)}, "CT")],
)
def test_a_dataset_of_another_model_is_refused(plan, spheres, model, tmp_path, changes, named):
    other = replace(spheres, **changes)
    with pytest.raises(TrainingError, match=named):
        LearningLoop(plan, other, model, tmp_path / "loop", "cpu").run()
    assert not (tmp_path / "loop").exists()


def test_a_model_that_names_no_preset_cannot_be_trained_from_scratch(plan, spheres, model, tmp_path):
    networks, manifest = load_model(model)
    save_model(tmp_path / "foreign", replace(manifest, provenance={}), networks)
    with pytest.raises(TrainingError, match="--scratch-iterations"):
        LearningLoop(replace(plan, scratch_iterations=2), spheres, tmp_path / "foreign", tmp_path / "loop", "cpu").run()
    assert not (tmp_path / "loop").exists()


def test_two_loops_in_one_folder_are_refused(loop_of, tmp_path):
    (tmp_path / "loop").mkdir()
    with (
        exclusive(tmp_path / "loop" / ".lock", TrainingError("free")),
        pytest.raises(TrainingError, match="Another learning loop"),
    ):
        loop_of().run()


def test_a_training_that_was_killed_before_it_began_is_begun_again(loop_of, tmp_path):
    run = tmp_path / "loop" / "ranked" / "round_01" / "run"

    def leave_scraps(progress):
        if "fine-tuning" in progress.stage and not run.exists():
            run.mkdir()
            (run / ".0a1b2c3d-run.json").write_text("{", encoding="utf-8")

    records = loop_of(on_progress=leave_scraps, rounds=(1,), orders=("ranked",)).run()
    assert len(records) == 2


def test_a_stopped_fine_tuning_goes_on_from_its_checkpoint(loop_of, plan):
    def told_until(stop_at):
        iterations = []

        def listen(progress):
            if progress.training is not None:
                iterations.append(progress.training.iteration)
                if progress.training.iteration >= stop_at:
                    raise RuntimeError("stopped")

        settings = replace(plan.settings, iterations=12)
        with pytest.raises(RuntimeError, match="stopped"):
            loop_of(on_progress=listen, rounds=(1,), orders=("random",), settings=settings).run()
        return iterations

    assert told_until(10)[0] < 10
    assert told_until(12)[0] >= 10


def test_from_scratch_the_same_labels_are_learned_with_the_first_models_recipe(loop_of, tmp_path):
    records = loop_of(rounds=(1,), orders=("random",), scratch_iterations=2).run()
    assert [r.kind for r in records] == ["frozen", "finetune", "scratch"]
    assert records[2].voxels_corrected == records[1].voxels_corrected
    trained = verify_model(tmp_path / "loop" / "random" / "round_01" / "scratch" / "run" / "model").manifest
    assert trained.provenance["labelled"] == ["old_0", "old_1", *records[2].names]
    assert trained.provenance["without"] == ["copy_paste"]
    assert trained.provenance["unlabelled"] == 3
    assert (trained.provenance["preset"], trained.provenance["iterations"]) == ("strong", 2)
    assert (trained.patch, trained.networks.width, trained.parent) == ((16, 16, 32), 2, None)


def test_from_scratch_without_any_case_left_is_supervised(loop_of, tmp_path):
    loop_of(pool=("pool_0",), rounds=(1,), orders=("random",), scratch_iterations=1).run()
    trained = verify_model(tmp_path / "loop" / "random" / "round_01" / "scratch" / "run" / "model").manifest
    assert trained.provenance["without"] == ["copy_paste", "unlabelled"]


def test_with_repredict_the_rest_is_ranked_by_the_newest_model(loop_of, finished, tmp_path):
    records = loop_of(orders=("ranked",), repredict=True).run()
    newest = read_manifest(tmp_path / "loop" / "ranked" / "round_01" / "run" / "model").id
    with CaseLibrary.open(tmp_path / "loop" / "ranked" / "library") as library:
        left = library.cases(CaseState.predicted)
        assert [case.prediction.provenance.model_id for case in left] == [newest] * 2
        # That of the case corrected in the second round was there when the reader saw it.
        assert len(library.predictions(records[2].names[1])) == 2
    with CaseLibrary.open(finished[0] / "ranked" / "library") as library:
        assert {len(library.predictions(case.name)) for case in library.cases(CaseState.predicted)} == {1}


@pytest.fixture
def predicted_library(finished, tmp_path):
    """A copy of the pool as the first model predicted it, open."""
    copy_library(finished[0] / "base" / "library", tmp_path / "library")
    with CaseLibrary.open(tmp_path / "library") as library:
        yield library


def test_the_random_order_follows_from_the_seed(predicted_library, tmp_path):
    def order_of(seed, number):
        return chosen_cases(predicted_library, Order.named("random", seed), 4, tmp_path / f"{number}.json")

    orders = [order_of(seed, number) for number, seed in enumerate((1, 1, 2, 3, 4))]
    assert orders[0] == orders[1]
    assert len(set(orders)) > 1
    assert {tuple(sorted(order)) for order in orders} == {("pool_0", "pool_1", "pool_2", "pool_3")}


def test_the_ranked_order_is_that_of_the_worklist(predicted_library, finished, tmp_path):
    worklist = rank(library_candidates(predicted_library.cases()).candidates, "combined")
    chosen = chosen_cases(predicted_library, Order.named("ranked", 1), 4, tmp_path / "cases.json")
    assert chosen == tuple(place.name for place in worklist)
    assert finished[1][1].names == chosen[:1]


def test_the_loop_leaves_the_twin_of_a_corrected_case_for_later(tmp_path):
    grid = Geometry((4, 5, 6))
    labels = Volume(np.ones(grid.shape, np.uint8), grid)
    with CaseLibrary.create(tmp_path / "library", LabelTable.from_dataset_json({"ball": 1}), ("MRI",)) as library:
        for name, entropy, features in (("corrected", 0.5, (0.0,)), ("twin", 0.9, (0.0,)), ("other", 0.8, (3.0,))):
            library.add_case(name, [Volume(np.arange(120, dtype=np.int16).reshape(grid.shape), grid)])
            scores = {"entropy": entropy, "kl": entropy, "network_dice": 1.0 - entropy}
            library.add_prediction(name, PredictionFiles(labels, scores=scores, features=features))
        library.save_correction("corrected", labels, reviewer="R")
        assert chosen_cases(library, Order.named("ranked", 1), 1, tmp_path / "cases.json") == ("other",)


def test_what_was_chosen_stays_chosen(predicted_library, tmp_path):
    path = tmp_path / "cases.json"
    chosen = chosen_cases(predicted_library, Order.named("ranked", 1), 2, path)
    predicted_library.set_state(chosen[0], CaseState.in_review)
    assert chosen_cases(predicted_library, Order.named("random", 1), 2, path) == chosen
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"cases\.json is damaged"):
        chosen_cases(predicted_library, Order.named("ranked", 1), 2, path)


def test_more_cases_than_are_left_cannot_be_chosen(predicted_library, tmp_path):
    with pytest.raises(LibraryError, match=r"4 case\(s\) left to rank, 5"):
        chosen_cases(predicted_library, Order.named("ranked", 1), 5, tmp_path / "cases.json")


def test_a_copied_library_is_whole_and_apart(predicted_library, finished):
    assert check_library(predicted_library.folder).problems == ()
    predicted_library.set_state("pool_0", CaseState.excluded)
    with CaseLibrary.open(finished[0] / "base" / "library") as original:
        assert original.case("pool_0").state is CaseState.predicted
    assert check_library(finished[0] / "base" / "library").problems == ()


def test_summary_and_plots_are_made_from_the_files_alone(finished):
    folder, records = finished
    published = publish(folder)
    assert published.records == records
    assert [path.name for path in published.files] == [
        "summary.json",
        "dice_by_cases.png",
        "dice_by_voxels.png",
        "review_efficiency.png",
    ]
    data = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert data["complete"] is True
    assert 2 <= data["review_efficiency"]["reviews"] <= 4


def test_publishing_nothing_is_a_clear_error(tmp_path):
    with pytest.raises(TrainingError, match=r"plan\.json"):
        publish(tmp_path)


def test_the_model_of_a_plan_is_the_model_of_the_loop(plan, model):
    assert plan.model_sha256 == sha256_of(model / CHECKSUMS)
