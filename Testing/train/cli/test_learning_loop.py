"""`dualssl learning-loop`: a whole loop as a person runs it, once more over the same folder, and what is refused."""

import json

import pytest

TINY = ("--iterations", 2, "--device", "cpu", "--rounds", "1,2")


@pytest.fixture
def loop(dualssl, model, intact_dataset, tmp_path):
    """Runs a tiny loop in `tmp_path / "LOOP"`; the first option of a name is overruled by a later one."""

    def run(*options, labelled="case_0,case_1", output=tmp_path / "LOOP"):
        return dualssl(
            *("learning-loop", model, intact_dataset, "--pool", "case_2,case_3"),
            *("--validation", intact_dataset / "validation.txt", "--old", labelled, "--output", output),
            *(*TINY, *options),
        )

    return run


def test_a_loop_leaves_records_summary_and_plots_and_goes_on_for_nothing(loop, tmp_path):
    outcome = loop("--orders", "ranked", "--regions", 2)
    assert outcome.status == 0, outcome.err
    folder = tmp_path / "LOOP"
    lines = (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()
    assert [(json.loads(line)["order"], json.loads(line)["cases"]) for line in lines] == [
        (None, 0),
        ("ranked", 1),
        ("ranked", 2),
    ]
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["complete"] is True
    assert summary["settings"]["reader"] == {"regions": 2, "margin": 1, "course": 20}
    assert summary["settings"]["settings"]["iterations"] == 2
    assert {path.name for path in folder.glob("*.png")} >= {"dice_by_cases.png", "dice_by_voxels.png"}
    assert "gain with 4 cases: not measured (target: at least 1)" in outcome.out
    assert "longest fine tuning: " in outcome.out
    assert "ranked, 1 corrected: fine-tuning" in outcome.err
    again = loop("--orders", "ranked", "--regions", 2)
    assert again.status == 0, again.err
    assert "fine-tuning" not in again.err
    assert again.out == outcome.out


def test_other_settings_over_the_same_folder_are_refused(loop, tmp_path):
    (tmp_path / "LOOP").mkdir()
    (tmp_path / "LOOP" / "plan.json").write_text("{}", encoding="utf-8")
    outcome = loop()
    assert outcome.status == 2
    assert "started with other settings" in outcome.complaint
    assert [path.name for path in (tmp_path / "LOOP").iterdir() if path.name[0] != "."] == ["plan.json"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--rounds", "one"), "--rounds one"),
        (("--rounds", "2,1"), "--rounds 2,1"),
        (("--rounds", "3"), "--pool has 2"),
        (("--orders", "best"), "best"),
        (("--regions", 0), "--regions 0"),
        (("--margin", -1), "--margin -1"),
        (("--iterations", 0), "0 iterations"),
        (("--scratch-iterations", -2), "--scratch-iterations -2"),
        (("--pool", "case_2,case_7"), "case_7"),
        (("--old", "case_0,case_2"), "case_2"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_anything_is_written(loop, tmp_path, options, named):
    outcome = loop(*options)
    assert outcome.status == 2
    assert named in outcome.complaint
    assert not (tmp_path / "LOOP").exists()


def test_a_file_in_place_of_the_folder_is_a_clear_error(loop, tmp_path):
    (tmp_path / "thesis").write_text("five years")
    outcome = loop(output=tmp_path / "thesis")
    assert outcome.status == 2
    assert "thesis" in outcome.complaint
    assert (tmp_path / "thesis").read_text() == "five years"
