"""The small parts: plan, proof, preflight, monitor, early end."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from dualssl.errors import DualSSLError, TrainingError
from dualssl.finetune import preflight as checks
from dualssl.finetune.early_end import ends_after
from dualssl.finetune.monitor import DisagreementMonitor
from dualssl.finetune.plan import FineTunePlan, FineTuneSettings
from dualssl.finetune.proof import MANY_PATIENTS, proof_of
from dualssl.finetune.recipe import recipe
from dualssl.geometry import Geometry
from dualssl.model.folder import read_manifest
from dualssl.volumes.volume import Volume

TINY = Volume(np.arange(8, dtype=np.int16).reshape(2, 2, 2), Geometry((2, 2, 2)))


@pytest.fixture
def plan():
    return FineTunePlan("m", "0" * 64, {"a": 1, "b": 2}, ("old",), ("w",), (), FineTuneSettings(patch=(16, 16, 32)), ("large",))


def test_a_plan_survives_its_file(plan):
    stored = json.loads(json.dumps(plan.to_json()))
    assert FineTunePlan.from_json(stored) == plan
    assert plan.differences(stored) == []
    assert replace(plan, pool=()).differences(stored) == ["pool"]


def test_a_plan_of_a_run_that_was_begun_earlier_leaves_nothing_out(plan):
    data = {key: value for key, value in plan.to_json().items() if key != "too_large"}
    earlier = FineTunePlan.from_json(data)
    assert earlier.too_large == ()
    assert earlier.differences(data) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"iterations": 0}, "0 iterations"),
        ({"learning_rate": 0.0}, "learning rate"),
        ({"batch": 2}, "batch size 2"),
        ({"edit_weight": 0.5}, "edit weight"),
        ({"patch": (16, 16, 20)}, "16,16,20"),
        ({"patience": 0}, "patience"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, says):
    with pytest.raises(TrainingError, match=says):
        FineTuneSettings(**change)


@pytest.mark.parametrize(
    ("replay", "pool", "distils", "unlabelled"),
    [(True, True, False, True), (False, True, True, True), (False, False, False, False), (True, False, False, False)],
)
def test_the_recipe_follows_what_is_at_hand(replay, pool, distils, unlabelled):
    chosen = recipe(replay=replay, pool=pool, norm="batch", learning_rate=1e-4)
    assert ("distillation" in [term.name for term in chosen.terms]) == distils
    assert chosen.uses_unlabelled == unlabelled
    assert chosen.optimiser.learning_rate == 1e-4


def test_the_monitor_warns_once_when_two_networks_become_one():
    said = []
    monitor = DisagreementMonitor(said.append)
    for iteration in range(1, 6):
        monitor.watch(iteration, {"agreement": 0.8})
    for iteration in range(6, 60):
        monitor.watch(iteration, {"agreement": 0.99})
    assert len(said) == 1
    assert monitor.collapsed
    assert monitor.start == pytest.approx(0.2)


def test_the_monitor_is_quiet_while_networks_only_get_better():
    said = []
    monitor = DisagreementMonitor(said.append)
    for iteration in range(1, 100):
        monitor.watch(iteration, {"agreement": min(0.9, 0.8 + iteration / 1000)})
    assert said == []


@pytest.mark.parametrize(
    ("scores", "ends"),
    [([0.5], False), ([0.5, 0.4], False), ([0.5, 0.4, 0.5], True), ([0.5, 0.4, 0.6], False), ([0.4, 0.5, 0.4, 0.3], True)],
)
def test_training_ends_when_two_validations_bring_nothing(scores, ends):
    assert ends_after(2)([{"dice": score} for score in scores]) is ends


@pytest.fixture
def records_of(library, add_case):
    """Records of so many corrected cases, each of a patient of its own unless told otherwise."""

    def make(count, groups=None):
        for n in range(count):
            library.add_case(f"c{n:02d}", [TINY], group=None if groups is None else groups[n])
        return {record.name: record for record in library.cases()}

    return make


def test_many_patients_leave_a_part_held_out_for_good(records_of, model, plan):
    manifest = read_manifest(model)
    records = records_of(40)
    many = replace(plan, corrected=dict.fromkeys(list(records)[:39], 1))
    more = replace(plan, corrected=dict.fromkeys(records, 1))
    before, after = (proof_of(p, records, manifest, "library") for p in (many, more))
    assert before.folds == ()
    assert 3 <= len(before.held_out) < 39
    assert set(before.held_out) <= set(after.held_out)


def test_few_patients_are_held_out_in_turn_and_never_split(records_of, model, plan):
    records = records_of(6, groups=["p", "p", "q", "q", "r", "r"])
    found = proof_of(replace(plan, corrected=dict.fromkeys(records, 1)), records, read_manifest(model), "library")
    assert sorted(name for fold in found.folds for name in fold) == sorted(records)
    assert len(records) < MANY_PATIENTS
    for fold in found.folds:
        assert len({records[name].group for name in fold}) * 2 == len(fold)


def test_cases_that_a_person_saw_in_part_prove_nothing(records_of, model, plan):
    records = records_of(4)
    wanted = replace(plan, corrected=dict.fromkeys(records, 1))
    seen, unseen = list(records)[:2], list(records)[2:]
    assert proof_of(wanted, records, read_manifest(model), "library", partly_seen=unseen).cases == tuple(seen)
    found = proof_of(wanted, records, read_manifest(model), "library", partly_seen=records)
    assert found.cases == ()
    assert "seen as a whole" in found.reason


def test_one_patient_proves_nothing(records_of, model, plan):
    records = records_of(3, groups=["p", "p", "p"])
    found = proof_of(replace(plan, corrected=dict.fromkeys(records, 1)), records, read_manifest(model), "library")
    assert found.cases == ()
    assert "two patients" in found.reason


@pytest.fixture
def usage(monkeypatch):
    """A disk with so many bytes free."""

    def make(free):
        monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1 << 40, 0, free))

    return make


def test_too_little_disk_is_said_with_the_figures(job_of, usage, tmp_path):
    usage(1000)
    with pytest.raises(TrainingError, match=r"0\.0 GB free, fine-tuning needs"):
        job_of().run()
    assert not (tmp_path / "job").exists()


def test_too_little_memory_is_said_with_the_figures(job_of, monkeypatch):
    monkeypatch.setattr(checks, "available_bytes", lambda: 1000)
    with pytest.raises(TrainingError, match=r"The computer has 0\.0 GB of memory free"):
        job_of().run()


def test_the_estimate_grows_with_the_work(job_of):
    short = job_of(prove=False).check().seconds
    assert job_of(prove=False, changes={"iterations": 3000}).check().seconds > 20 * short > 0


def test_what_is_missing_is_noted_before_it_starts(job_of, old_spheres):
    notes = " ".join(job_of().check().notes)
    assert "not at hand" in notes
    assert "distillation" in notes
    assert "not at hand" not in " ".join(job_of(request={"replay": old_spheres}).check().notes)


def test_cases_without_labels_that_are_larger_than_all_the_model_knows_are_left_out_and_named(job_of, add_case):
    add_case("whole_body", 40, corrected=False, spacing=(3.0, 1.0, 1.0))
    job = job_of()
    assert job._plan.pool == ("waiting_0", "waiting_1")
    assert job._plan.too_large == ("whole_body",)
    assert any("One case without labels left out" in note and "whole_body" in note for note in job.check().notes)


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"cases": ()}, "list of cases to learn from is empty"),
        (
            {"cases": ("corrected_1",), "validation": ("corrected_1",)},
            "both among the cases to learn from and those of validation",
        ),
        ({"cases": ("waiting_0",)}, "no labels"),
        ({"cases": ("corected_1",)}, "did you mean"),
        ({"replay_cases": ("old_0",)}, "no dataset that holds them"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused(job_of, request_, says):
    with pytest.raises(DualSSLError, match=says):
        job_of(request=request_)


def test_a_library_without_corrected_cases_is_refused(library, add_case, model, settings):
    from dualssl.finetune.request import FineTuneRequest

    add_case("waiting", 1, corrected=False)
    with pytest.raises(TrainingError, match="no corrected case"):
        FineTuneRequest(model, library.as_dataset(), settings=settings).resolve(read_manifest(model))
