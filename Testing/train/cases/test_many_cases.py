"""Ten thousand cases: what is asked of the index does not grow with them."""

import pytest

from dualssl.cases import index
from dualssl.cases.records import CaseRecord, LabelVersion, PredictionRecord, Provenance, StoredFile, now
from dualssl.cases.states import CaseState

COUNT = 10_000


@pytest.fixture
def large_library(library, grid):
    """Ten thousand cases in the index alone, half of them predicted, a tenth corrected twice."""
    time = now()
    database = library.database
    with database.writing():
        for number in range(COUNT):
            name = f"case_{number:05d}"
            state = CaseState.corrected if number % 10 == 0 else CaseState.predicted if number % 2 else CaseState.waiting
            case = CaseRecord(name, f"{number:032x}", f"patient {number // 3}", None, {}, state, time, time)
            index.insert_case(database, case, grid, [StoredFile("image_0000.nrrd", "0" * 64, 1)])
            if number % 2:
                scores = {"entropy": number / COUNT, "kl": 0.5, "network_dice": 0.9, "foreground_voxels": number}
                record = PredictionRecord(1, time, Provenance("heart-1", "0" * 64), scores, (0.5,) * 24)
                index.insert_prediction(database, name, record, [])
            for version in (1, 2) if number % 10 == 0 else ():
                index.insert_label_version(database, name, LabelVersion(version, time, "Ada"), [])
    return library


@pytest.fixture
def statements(large_library):
    """Every statement that SQLite runs from now on."""
    seen = []
    large_library.database._connection.set_trace_callback(seen.append)
    return seen


def test_all_cases_are_one_query(large_library, statements):
    cases = large_library.cases()
    assert len(cases) == COUNT
    assert len(statements) == 1
    assert sum(case.prediction is not None for case in cases) == COUNT // 2
    assert {case.labels.number for case in cases if case.labels is not None} == {2}
    assert [case.name for case in cases] == sorted(case.name for case in cases)


def test_one_case_and_one_state_are_looked_up_not_searched(large_library, statements):
    assert large_library.case("case_05000").name == "case_05000"
    assert len(large_library.cases(CaseState.corrected)) == COUNT // 10
    assert len(statements) == 2
    plan = large_library.database.rows(f"EXPLAIN QUERY PLAN {statements[0]}")
    steps = [row[3] for row in plan]
    assert [step for step in steps if step.startswith("SCAN")] == []


def test_a_dataset_of_all_cases_is_two_queries_however_many_there_are(large_library, statements):
    dataset = large_library.as_dataset()
    assert len(dataset.cases()) == COUNT
    assert len(dataset.labelled_cases()) == COUNT // 10
    assert dataset.label_path("case_00000").name == "0002.nrrd"
    assert len(statements) == 2
