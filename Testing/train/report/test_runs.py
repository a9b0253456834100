"""Finished runs as their folders tell them, and what parts of a recipe are worth."""

import json

import numpy as np
import pytest
from scipy import stats

from dualssl.errors import ModelError, TrainingError
from dualssl.report.ablation import Spread, compare_variants, least_p
from dualssl.report.run_curves import mean_curve, runs_figure, variants_figure
from dualssl.report.run_tables import record, runs_table, variants_table
from dualssl.report.runs import CurvePoint, Variant, is_scored, read_run

STRONG = Variant("strong")
FULL = np.array([0.90, 0.80, 0.85, 0.70, 0.88, 0.79])
WORSE = FULL - np.array([0.010, 0.020, 0.030, 0.040, 0.050, 0.060])


@pytest.fixture
def runs(tmp_path, run_folder):
    """Two seeds of `strong`, three of `strong` without copy-paste, one of `paper`; by name."""
    asked = {
        "strong_s1": {"dice": FULL, "seed": 1},
        "strong_s2": {"dice": FULL + 0.02, "seed": 2},
        "plain_s1": {"dice": WORSE, "seed": 1, "without": ("copy_paste",)},
        "plain_s2": {"dice": WORSE + 0.03, "seed": 2, "without": ("copy_paste",)},
        "plain_s3": {"dice": WORSE - 0.3, "seed": 3, "without": ("copy_paste",)},
        "paper_s2": {"dice": FULL + 0.01, "seed": 2, "preset": "paper"},
    }
    return {name: read_run(run_folder(tmp_path / name, **what)) for name, what in asked.items()}


def test_a_run_is_what_its_folder_says(runs):
    run = runs["plain_s2"]
    assert (run.name, str(run.variant), run.seed) == ("plain_s2", "strong without copy_paste", 2)
    assert (run.budget.iterations, run.budget.width, run.budget.labelled) == (1000, 8, ("a", "b"))
    assert (run.unlabelled, run.batch, run.device, run.hours) == (3, 4, "cpu, 1 threads", 0.25)
    assert list(run.dice_by_case.values()) == pytest.approx(WORSE + 0.03)
    assert run.scores["network_b"]["dice"] == pytest.approx(np.mean(WORSE + 0.03) - 0.02)
    assert run.curve[-1] == CurvePoint(1000, *(pytest.approx(np.mean(WORSE + 0.03) - d) for d in (0, 0.01, 0.02)))
    assert len(run.curve) == 3


def no_evaluation(folder):
    (folder / "evaluation.json").unlink()


def other_model(folder):
    path = folder / "evaluation.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model": "another"}))


def missing_figure(folder):
    path = folder / "evaluation.json"
    data = json.loads(path.read_text())
    del data["network_a"]["hd95"]
    path.write_text(json.dumps(data))


def cut_metrics(folder):
    path = folder / "metrics.jsonl"
    path.write_text(path.read_text()[:-20])


def other_settings(folder):
    (folder / "run.json").write_text('{"preset": "strong"}')


@pytest.mark.parametrize(
    ("harm", "file"),
    [
        (no_evaluation, "evaluation.json"),
        (other_model, "evaluation.json"),
        (missing_figure, "evaluation.json"),
        (cut_metrics, "metrics.jsonl"),
        (other_settings, "run.json"),
    ],
)
def test_a_file_that_is_not_whole_is_named(tmp_path, run_folder, harm, file):
    folder = run_folder(tmp_path / "run", FULL)
    harm(folder)
    with pytest.raises(TrainingError, match=file):
        read_run(folder)


def test_a_run_without_a_model_is_not_finished(tmp_path, run_folder):
    folder = run_folder(tmp_path / "run", FULL)
    assert is_scored(folder)
    (folder / "model" / "configs" / "dualssl.json").unlink()
    with pytest.raises(ModelError):
        read_run(folder)
    (folder / "model" / "configs").rmdir()
    (folder / "model").rmdir()
    assert not is_scored(folder)


def test_a_part_is_judged_by_the_same_seeds_and_cases_with_and_without_it(runs):
    results = {str(result.variant): result for result in compare_variants(list(runs.values()), STRONG)}
    found = results["strong without copy_paste"].difference
    of_case = 100 * ((WORSE - FULL) + (WORSE + 0.01 - FULL)) / 2
    assert (found.against, found.seeds) == ("strong", (1, 2))
    assert found.dice == pytest.approx(of_case.mean())
    assert found.by_seed == pytest.approx([100 * np.mean(WORSE - FULL), 100 * np.mean(WORSE + 0.01 - FULL)])
    assert (found.cases_better, found.cases_worse) == (int((of_case > 1e-9).sum()), int((of_case < -1e-9).sum()))
    assert found.p_wilcoxon == pytest.approx(stats.wilcoxon(of_case).pvalue)


def test_the_tests_reach_their_least_value_where_all_cases_are_worse(runs):
    found = compare_variants([runs["strong_s1"], runs["plain_s1"]], STRONG)[1].difference
    assert (found.cases_better, found.cases_worse) == (0, 6)
    assert found.p_wilcoxon == found.p_sign_flip == least_p(6) == 1 / 32


def test_full_presets_are_compared_with_the_reference_which_is_compared_with_nothing(runs):
    results = {str(result.variant): result for result in compare_variants(list(runs.values()), STRONG)}
    assert list(results) == ["strong", "strong without copy_paste", "paper"]
    assert results["strong"].difference is None
    assert results["paper"].difference.against == "strong"
    assert results["paper"].difference.dice == pytest.approx(-1.0)


def test_runs_that_do_not_differ_have_no_wilcoxon_test(tmp_path, run_folder):
    pair = [read_run(run_folder(tmp_path / p, FULL, preset=p)) for p in ("strong", "paper")]
    found = compare_variants(pair, STRONG)[1].difference
    assert (found.p_wilcoxon, found.p_sign_flip, found.dice) == (None, 1.0, 0.0)


def test_without_a_common_seed_there_is_no_difference(runs):
    assert compare_variants([runs["strong_s1"], runs["paper_s2"]], STRONG)[1].difference is None


def test_the_spread_is_over_seeds(runs):
    results = compare_variants([runs["strong_s1"], runs["strong_s2"]], STRONG)
    spread = results[0].figures["mean"]["dice"]
    assert spread.mean == pytest.approx(FULL.mean() + 0.01)
    assert spread.deviation == pytest.approx(0.02 / np.sqrt(2))
    assert Spread.of([0.5]) == Spread(0.5, None)


@pytest.mark.parametrize("change", [{"iterations": 2000}, {"width": 16}, {"spacing": None}, {"labelled": ["a"]}])
def test_only_runs_of_one_budget_are_compared(tmp_path, run_folder, runs, change):
    other = read_run(run_folder(tmp_path / "other", FULL, preset="paper", **change))
    with pytest.raises(TrainingError, match=next(iter(change))):
        compare_variants([runs["strong_s1"], other], STRONG)


def test_two_runs_of_one_variant_and_seed_are_refused(tmp_path, run_folder, runs):
    twin = read_run(run_folder(tmp_path / "twin", FULL))
    with pytest.raises(TrainingError, match=r"'strong_s1' and 'twin'"):
        compare_variants([runs["strong_s1"], twin], STRONG)


def cells_of(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")]


def test_the_table_of_runs_has_three_rows_each_and_all_columns(runs):
    rows = cells_of(runs_table([runs["strong_s1"], runs["paper_s2"]]))
    assert len({len(row) for row in rows}) == 1
    assert [row[10] for row in rows[2:]] == ["mean", "A", "B"] * 2
    assert rows[2][:10] == ["`strong_s1`", "strong", "2", "1", "1000", "8", "2 x 2 x 2", "4", "cpu, 1 threads", "0.25"]
    assert rows[2][11:] == ["82.00", "70.00", "9.00", "2.00"]
    assert rows[3][11] == "81.00"


def test_the_table_of_variants_says_differences_and_what_the_tests_can_tell(runs):
    text = variants_table(compare_variants(list(runs.values()), STRONG), 6)
    rows = {row[0]: row for row in cells_of(text)}
    assert len({len(row) for row in rows.values()}) == 1
    assert rows["strong"][2] == "83.00 ± 1.41"
    assert rows["strong"][8:] == [""] * 6
    assert rows["strong without copy_paste"][8:11] == ["strong", "-3.00", "-3.50, -2.50"]
    assert rows["paper"][2] == "83.00"
    assert "p cannot be below 0.0312" in text
    assert "Of 2 comparisons" in text


def test_the_record_is_strict_json_with_every_run(runs):
    every = list(runs.values())
    data = json.loads(json.dumps(record(every[:1], every, compare_variants(every, STRONG), ["late"]), allow_nan=False))
    assert data["runs"][0]["dice_by_case"] == pytest.approx(runs["strong_s1"].dice_by_case)
    assert (data["runs"][0]["labelled"], data["runs"][0]["iterations"], data["runs"][0]["preset"]) == (2, 1000, "strong")
    assert [run["name"] for run in data["ablation"]["runs"]] == list(runs)
    assert data["ablation"]["left_out"] == ["late"]
    assert data["ablation"]["variants"][1]["difference"]["by_seed"] == pytest.approx([-3.5, -2.5])


def test_the_curve_of_a_variant_is_the_mean_of_its_seeds(runs):
    points = mean_curve([runs["strong_s1"], runs["strong_s2"]])
    assert points == [(n, pytest.approx((FULL.mean() + 0.01) * (0.8 + 0.2 * n / 1000))) for n in (250, 500, 1000)]
    panels = variants_figure(list(runs.values())).axes
    assert [panel.get_title("left") for panel in panels] == ["Full presets", "strong"]
    drawn = [{line.get_label(): line for line in panel.lines if "seed" in line.get_label()} for panel in panels]
    assert [list(lines) for lines in drawn] == [
        ["paper, 1 seed", "strong, 2 seeds"],
        ["strong, 2 seeds", "strong without copy_paste, 3 seeds"],
    ]
    for lines in drawn:
        np.testing.assert_allclose(lines["strong, 2 seeds"].get_xydata(), [(n, 100 * v) for n, v in points])


def test_every_run_has_a_curve_and_dots_of_its_networks(runs):
    lines = runs_figure([runs["strong_s1"]]).axes[0].lines
    assert [line.get_linestyle() for line in lines] == ["-", "None", "None"]
    np.testing.assert_allclose(lines[2].get_ydata(), [100 * p.dice_b for p in runs["strong_s1"].curve])
