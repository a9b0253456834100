"""Work without windows goes on: corrected cases are handed over, and the model is fine-tuned on them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from dualssl.cases import CaseLibrary
from dualssl.registry.versions import ModelRegistry
from DualSSLSegmentationLib.jobs.fineTuning import FineTuneWish
from DualSSLSegmentationLib.jobs.handover import Handover
from DualSSLSegmentationLib.scene.caseNodes import CaseError
from trainedModels import FIRST_UNSEEN, addSphere
from workspaceCourse import PAINTED, edited, handover, segmented, sharedBench


@pytest.fixture(scope="module")
def shared_bench(application, a_model_that_segments, tmp_path_factory):
    application.clearScene()
    yield from sharedBench(application.scene, a_model_that_segments, tmp_path_factory.mktemp("home of é"))


@pytest.fixture
def bench(shared_bench, scene):
    yield shared_bench
    shared_bench.newScene()
    shared_bench.loop.runUntil(lambda: not shared_bench.exchange)


# Handing over


def test_a_corrected_case_is_saved_and_a_second_time_as_a_new_version(bench):
    session = edited(bench)
    wish = handover(bench, library="Bibliothek des einen Falls 左")
    for version in (1, 2):
        bench.workspace.save(wish)
        bench.finish("save")
        assert bench.messages == []
        assert bench.saved[-1]["version"] == version
        assert bench.exchange == []
        bench.editorOf(session.case.node).paint(np.s_[3, 3, 3 : 4 + version])
        bench.settle()
    with CaseLibrary.open(wish.library) as library:
        assert [case.name for case in library.cases()] == ["Fall_01"]


def test_saving_can_be_cancelled_and_leaves_no_files(bench):
    edited(bench)
    wish = handover(bench, "Cancelled", "library of the cancelled")
    bench.workspace.save(wish)
    bench.untilText("Writing", "save")
    bench.workspace.cancel("save")
    bench.finish("save")
    assert bench.messages == [("info", "Cancelled.")]
    assert bench.saved == []
    assert bench.exchange == []
    assert not wish.library.exists()


def test_what_keeps_a_case_from_being_saved_is_said(bench):
    session = segmented(bench)
    bench.workspace.save(handover(bench, "Twice"))
    with pytest.raises(CaseError, match="under way"):
        bench.workspace.save(handover(bench, "Twice"))
    bench.finish("save")
    bench.scene.RemoveNode(session.case.image)
    bench.workspace.save(handover(bench, "Without"))
    bench.finish("save")
    assert bench.messages[-1][0] == "error"
    assert bench.exchange == []
    bench.workspace.openCase(None)
    with pytest.raises(CaseError, match="no case in hand"):
        bench.workspace.save(handover(bench))


# Models


@pytest.fixture(scope="module")
def a_fine_tuned_bench(shared_bench, application):
    """Two corrected cases were saved, and the model was fine-tuned on them for two steps, without proof."""
    bench, home = shared_bench, shared_bench.workspace.places.home
    application.clearScene()
    for number in range(2):
        session = segmented(bench, addSphere(bench.scene, FIRST_UNSEEN + number, f"Sphere {number}"))
        bench.editorOf(session.case.node).paint(PAINTED)
        bench.settle()
        bench.workspace.save(Handover(home / "library", f"case_{number}", "A. Reader"))
        bench.finish("save")
    bench.newScene()
    application.clearScene()
    wish = FineTuneWish(
        bench.workspace.models.default().folder,
        home / "library",
        bench.workspace.places.registry,
        home / "run",
        "cpu",
        iterations=2,
        prove=False,
    )
    bench.workspace.fineTune(wish)
    with pytest.raises(CaseError, match="A fine-tuning is under way already"):
        bench.workspace.fineTune(wish)
    # A fine-tuning needs no scene.
    bench.workspace.sceneClosing()
    bench.finish("finetune")
    assert bench.messages == []
    [answer] = bench.tuned
    bench.newScene()
    return bench, answer


def test_a_fine_tuning_gives_a_version_and_curves(a_fine_tuned_bench):
    bench, answer = a_fine_tuned_bench
    assert answer["version"]["id"]
    assert Path(answer["model"]).is_dir()
    [points] = [points for points in bench.curves.loss.values() if points]
    assert [iteration for iteration, _ in points][-1] == 2
    choices = bench.workspace.models.choices()
    assert [choice.standing for choice in choices] == ["active", "kept"]
    assert choices[1].version == answer["version"]["id"]
    assert bench.workspace.models.default().version != answer["version"]["id"]


def test_an_unproved_version_is_used_only_when_a_person_insists(a_fine_tuned_bench):
    bench, answer = a_fine_tuned_bench
    version, base = answer["version"]["id"], bench.workspace.models.default().version
    told = []
    stop = bench.workspace.onModels.add(lambda: told.append(bench.workspace.models.default().version))
    bench.messages.clear()
    bench.workspace.activate(version)
    bench.finish("models")
    assert told == []
    [(kind, text)] = bench.messages
    assert kind == "error"
    assert version in text
    for wanted in (version, base):
        done = []
        bench.workspace.activate(wanted, force=True, onDone=lambda said=done: said.append(True))
        with pytest.raises(CaseError, match="under way already"):
            bench.workspace.discard(wanted)
        assert not done
        bench.finish("models")
        assert done
    assert told == [version, base]
    stop()


def test_a_version_is_discarded_into_the_trash(a_fine_tuned_bench):
    bench, answer = a_fine_tuned_bench
    registry = ModelRegistry.open(bench.workspace.places.registry)
    kept = shutil.copytree(registry.folder, registry.folder.parent / "kept registry")
    bench.messages.clear()
    bench.workspace.discard(bench.workspace.models.default().version)
    bench.finish("models")
    [(kind, text)] = bench.messages
    assert kind == "error"
    assert "active" in text
    bench.messages.clear()
    bench.workspace.discard(answer["version"]["id"])
    bench.finish("models")
    assert bench.messages == []
    assert [choice.standing for choice in bench.workspace.models.choices()] == ["active"]
    assert list((registry.folder / "trash").iterdir())
    shutil.rmtree(registry.folder)
    kept.rename(registry.folder)


def test_a_fine_tuning_without_corrected_cases_is_refused_in_a_sentence(bench):
    places = bench.workspace.places
    model = bench.workspace.models.default().folder
    bench.workspace.fineTune(FineTuneWish(model, places.home / "nowhere", places.home / "other", places.home / "run 2", "cpu"))
    bench.finish("finetune")
    [(kind, text)] = bench.messages
    assert kind == "error"
    assert "nowhere" in text
    assert not (places.home / "run 2").exists()


def test_a_self_check_tells_what_it_found(bench):
    found = []
    bench.workspace.selfCheck({"model": None, "device": "cpu"}, found.append)
    bench.finish("check")
    assert len(found) == 1, bench.messages
