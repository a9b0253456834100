"""Errors at the command line: the sentence that everybody reads, and the option or command that only this person can use."""

from dualssl.cases import CaseLibrary
from dualssl.labels import LabelTable


def test_a_command_that_helps_is_named_below_the_sentence(dualssl, tmp_path):
    outcome = dualssl("cases", "list", tmp_path)
    assert outcome.status == 2
    message, way = outcome.err.strip().splitlines()
    assert "is no case library" in message
    assert "dualssl cases" not in message
    assert way == "At the command line: dualssl cases create FOLDER --like DATASET_OR_MODEL"


def test_an_error_that_needs_no_command_is_one_line(dualssl, tmp_path):
    CaseLibrary.create(tmp_path / "library", LabelTable.from_dataset_json({"ball": 1}), ("MRI",)).close()
    outcome = dualssl("cases", "rank", tmp_path / "library", "--strategy", "luck")
    assert outcome.status == 2
    assert len(outcome.err.strip().splitlines()) == 1
