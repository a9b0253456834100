"""The tool that writes tables and learning curves of runs: at any time, from whatever is finished."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "results_table.py"
MEASURED = TOOL.parents[2] / "benchmarks" / "left_atrium" / "compact_8000" / "evaluation.json"
DICE = np.array([0.90, 0.80, 0.85, 0.70, 0.88, 0.79])


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location(TOOL.stem, TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules[TOOL.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ablation(tmp_path, run_folder):
    """Two finished runs and one that was only begun."""
    folder = tmp_path / "ablation"
    run_folder(folder / "strong_s1", DICE)
    run_folder(folder / "paper_s1", DICE - 0.01, preset="paper")
    run_folder(folder / "supervised_s1", DICE, preset="supervised")
    (folder / "supervised_s1" / "evaluation.json").unlink()
    return folder


def test_tables_record_and_pictures_are_written(tool, tmp_path, run_folder, ablation, capsys):
    long = run_folder(tmp_path / "left-atrium", DICE + 0.02, iterations=8000)
    output = tmp_path / "new" / "results"
    assert tool.main(["--run", str(long), "--ablation", str(ablation), "--output", str(output)]) == 0
    data = json.loads((output / "results.json").read_text(encoding="utf-8"))
    assert [run["name"] for run in data["runs"]] == ["left-atrium"]
    assert sorted(run["name"] for run in data["ablation"]["runs"]) == ["paper_s1", "strong_s1"]
    assert data["ablation"]["left_out"] == ["supervised_s1"]
    text = (output / "results.md").read_text(encoding="utf-8")
    assert "`left-atrium`" in text
    assert "| paper | 1 |" in text
    assert "left out: `supervised_s1`" in text
    for name in ("learning_curves.png", "ablation_curves.png"):
        assert f"({name})" in text
        assert (output / name).read_bytes().startswith(b"\x89PNG")
    assert "left out, not finished or not scored: supervised_s1" in capsys.readouterr().out


def test_what_was_measured_of_uncertainty_is_drawn(tool, tmp_path, run_folder):
    run = run_folder(tmp_path / "atrium", DICE)
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))["uncertainty"]
    evaluation = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    (run / "evaluation.json").write_text(json.dumps({**evaluation, "uncertainty": measured}), encoding="utf-8")
    assert tool.main(["--run", str(run), "--output", str(tmp_path / "out")]) == 0
    for name in ("atrium_review.png", "atrium_reliability.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")


def test_the_same_runs_give_the_same_files(tool, tmp_path, ablation):
    written = []
    for name in ("one", "two"):
        assert tool.main(["--ablation", str(ablation), "--output", str(tmp_path / name)]) == 0
        written.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {"results.json", "results.md", "ablation_curves.png"}


def test_runs_of_other_budgets_are_named_and_nothing_is_written(tool, tmp_path, run_folder, ablation, capsys):
    run_folder(ablation / "wide_s1", DICE, preset="paper_code", width=16)
    assert tool.main(["--ablation", str(ablation), "--output", str(tmp_path / "out")]) == 2
    assert "differ in width" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_run_that_is_not_finished_yet_leaves_the_rest(tool, tmp_path, capsys):
    (tmp_path / "begun").mkdir()
    assert tool.main(["--run", str(tmp_path / "begun"), "--output", str(tmp_path / "out")]) == 0
    assert "begun" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "results.json").read_text())["runs"] == []
