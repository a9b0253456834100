"""`dualssl benchmark`: writes a record, shows a table, and says what is missing."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
import typer
from typer.testing import CliRunner

from dualssl.benchmarking import suite
from dualssl.benchmarking.figure import Figure, Target
from dualssl.benchmarking.suite import QUICK, SuiteSettings, sections
from dualssl.cli.benchmark import benchmark
from dualssl.errors import DatasetError, OutputError

MISSED = Figure("slow_thing", "what", 2.0, "x", Target("at most", 1.2), {"a_s": [2.0]})


@pytest.fixture
def command():
    app = typer.Typer()
    app.command()(benchmark)
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def one_section_that_misses(monkeypatch):
    monkeypatch.setattr(suite, "sections", lambda settings, cases=None: iter([("one", lambda: [MISSED])]))


def test_the_record_has_machine_date_settings_and_every_figure(command, one_section_that_misses, tmp_path):
    output = tmp_path / "new" / "figures.json"
    result = command("--output", output, "--quick")
    assert result.exit_code == 0, result.output
    data = json.loads(output.read_text())
    assert data["figures"] == [MISSED.to_json()]
    assert data["complete"] is True
    assert data["quick"] is True
    assert data["machine"]["torch"]
    assert datetime.fromisoformat(data["created"]).tzinfo is not None
    assert data["settings"]["training"]["width"] == QUICK.training.width


def test_the_table_says_what_was_missed(command, one_section_that_misses, tmp_path):
    output = command("--output", tmp_path / "figures.json").output
    for text in ("slow thing", "2.000 x", "at most 1.2", "missed"):
        assert text in output


def test_figures_up_to_a_failure_are_kept_and_marked_incomplete(command, monkeypatch, tmp_path):
    def failing():
        raise OutputError("the second part failed")

    monkeypatch.setattr(suite, "sections", lambda *_: iter([("one", lambda: [MISSED]), ("two", failing)]))
    output = tmp_path / "figures.json"
    result = command("--output", output)
    assert isinstance(result.exception, OutputError)
    data = json.loads(output.read_text())
    assert [figure["name"] for figure in data["figures"]] == ["slow_thing"]
    assert data["complete"] is False


def test_an_output_that_cannot_be_written_is_found_before_anything_is_measured(command, monkeypatch, tmp_path):
    measured = []
    monkeypatch.setattr(suite, "sections", lambda *_: iter([("one", lambda: measured.append(1) or [MISSED])]))
    (tmp_path / "folder.json").mkdir()
    result = command("--output", tmp_path / "folder.json")
    assert isinstance(result.exception, OutputError)
    assert measured == []


@pytest.mark.parametrize("given", [["--model", "m"], ["--dataset", "d"], ["--cases", "c"], ["--model", "m", "--dataset", "d"]])
def test_model_dataset_and_cases_come_together(command, given, tmp_path):
    result = command("--output", tmp_path / "figures.json", *given)
    assert isinstance(result.exception, DatasetError)
    assert "belong together" in str(result.exception)
    assert not (tmp_path / "figures.json").exists()


def test_the_suite_runs_every_benchmark_with_its_own_settings(toy_suite, monkeypatch):
    names = ("prediction_overhead", "published_speed", "published_dice", "training_step", "memory_and_scaling")
    for name in names:
        one = name == "published_speed"
        monkeypatch.setattr(suite, name, lambda given, name=name, one=one: (name, given) if one else [(name, given)])
    expected = dict(
        zip(names, (toy_suite.prediction, toy_suite.published, "cases", toy_suite.training, toy_suite.memory), strict=True)
    )
    assert dict(figure for _, run in sections(toy_suite, "cases") for figure in run()) == expected
    del expected["published_dice"]
    assert dict(figure for _, run in sections(toy_suite) for figure in run()) == expected


def test_full_sizes_are_those_of_the_targets():
    full = SuiteSettings()
    assert full.prediction.shape == full.published.shape == (88, 140, 180)
    assert full.prediction.widths == (8, 16)
    assert full.published.windows is None
    assert (full.training.patch, full.training.width, full.training.batch) == ((80, 112, 112), 16, 2)
    assert sorted(full.memory.shape) == [256, 512, 512]
