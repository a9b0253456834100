"""What every command shares: help without torch, a version, exit statuses, and text that is shown as it is."""

import json
import subprocess
import sys

import pytest

import dualssl.cli.phantom
from dualssl.cli.console import say, show_table
from dualssl.version import __version__

COMMANDS = [
    [],
    ["phantom"],
    ["train"],
    ["predict"],
    ["evaluate"],
    ["benchmark"],
    ["demo"],
    ["models"],
    ["models", "verify"],
    ["models", "list"],
    ["models", "show"],
    ["models", "add"],
    ["models", "activate"],
    ["models", "rollback"],
    ["models", "compare"],
    ["models", "remove"],
    ["cases"],
    ["cases", "add"],
    ["cases", "list"],
    ["cases", "show"],
    ["cases", "correct"],
    ["cases", "state"],
    ["cases", "rank"],
    ["cases", "export"],
    ["cases", "import"],
    ["cases", "check"],
    ["finetune"],
    ["learning-loop"],
]
HELP_WITHOUT_TORCH = """
import contextlib, io, json, sys
from dualssl.cli import app
texts = {}
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        app.app([*command, "--help"], prog_name="dualssl")
    texts[" ".join(command)] = out.getvalue()
heavy = [name for name in ("torch", "monai", "lightning_fabric", "scipy", "matplotlib") if name in sys.modules]
print(json.dumps({"texts": texts, "heavy": heavy}))
"""


@pytest.fixture(scope="module")
def helped():
    script = [sys.executable, "-c", HELP_WITHOUT_TORCH, json.dumps(COMMANDS)]
    result = subprocess.run(script, capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def test_help_of_every_command_needs_no_heavy_library(helped):
    assert helped["heavy"] == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command) or "dualssl")
def test_every_command_has_help(helped, command):
    assert f"Usage: dualssl {' '.join(command)}".strip() in helped["texts"][" ".join(command)]


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (
            "train",
            "--labelled --unlabelled --validation --preset --output --iterations --patch --batch --width --seed --device "
            "--resume --without",
        ),
        ("predict", "--output --device --roi --overwrite"),
        ("evaluate", "--output --cases"),
    ],
)
def test_the_fixed_options_are_there(helped, command, options):
    assert [option for option in options.split() if option not in helped["texts"][command]] == []


def test_the_installed_command_tells_its_version(dualssl_process):
    outcome = dualssl_process("--version")
    assert (outcome.status, outcome.out.strip()) == (0, f"dualssl {__version__}")


@pytest.mark.parametrize("arguments", [["predict"], ["train", "data"], ["nonsense"], ["predict", "m", "i", "--overlap", "2"]])
def test_a_wrong_command_line_is_status_2_without_a_traceback(dualssl, arguments):
    outcome = dualssl(*arguments)
    assert outcome.status == 2
    assert "Traceback" not in outcome.err
    assert "Usage:" in outcome.err


def test_a_process_ends_with_status_2_and_one_sentence_on_stderr(dualssl_process, tmp_path):
    outcome = dualssl_process("predict", tmp_path / "no model", tmp_path / "no image.nrrd", "--output", tmp_path / "results")
    assert outcome.status == 2
    assert "There is no model folder" in outcome.complaint
    assert outcome.out == ""
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_is_a_sentence_and_status_130(dualssl, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(dualssl_phantoms(), "write_phantom_dataset", interrupted)
    outcome = dualssl("phantom", "--output", "anywhere")
    assert outcome.status == 130
    assert "--resume" in outcome.complaint


def dualssl_phantoms():
    import dualssl.phantoms.dataset

    return dualssl.phantoms.dataset


def test_a_fault_of_the_program_is_not_hidden_behind_a_sentence(dualssl, monkeypatch):
    def at_fault(*_, **__):
        raise AssertionError("a bug")

    monkeypatch.setattr(dualssl_phantoms(), "write_phantom_dataset", at_fault)
    with pytest.raises(AssertionError, match="a bug"):
        dualssl("phantom", "--output", "anywhere")


CHATTY_LIBRARY = """
import contextlib, logging, sys
from dualssl.cli.app import app
with contextlib.suppress(SystemExit):
    app([*sys.argv[1:], "models", "verify", "nowhere"])
library = logging.getLogger("library")
library.setLevel(logging.INFO)
library.info("look at me")
"""


@pytest.mark.parametrize(("options", "shown"), [([], False), (["--verbose"], True)])
def test_libraries_are_heard_only_with_verbose(options, shown):
    script = [sys.executable, "-c", CHATTY_LIBRARY, *options]
    result = subprocess.run(script, capture_output=True, encoding="utf-8", check=True)
    assert ("look at me" in result.stderr) is shown


def test_names_are_shown_as_they_are(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    path = "/a/long/path/" + "folder/" * 10 + "[red]:heart:[/red].nrrd"
    say(path)
    show_table("[bold]title", ("[i]name",), [["case [red] [/x]"]])
    shown = capsys.readouterr().out
    assert path in shown.splitlines()
    for text in ("[bold]title", "[i]name", "case [red] [/x]"):
        assert text in shown


def test_a_phantom_dataset_is_made_and_its_lists_lead_on(dualssl, tmp_path):
    folder = tmp_path / "phantoms"
    numbers = ("--cases", 3, "--labelled", 1, "--validation", 1, "--structures", 2, "--seed", 5)
    outcome = dualssl("phantom", "--output", folder, *numbers)
    assert outcome.status == 0, outcome.err
    assert str(folder) in outcome.out
    assert json.loads((folder / "dataset.json").read_text())["labels"] == {"background": 0, "chamber": 1, "wall": 2}
    assert len(list((folder / "images").iterdir())) == len(list((folder / "labels").iterdir())) == 3
    names = [(folder / f"{name}.txt").read_text().split() for name in ("labelled_1", "unlabelled", "validation")]
    assert [len(n) for n in names] == [1, 1, 1]


@pytest.mark.parametrize(
    ("numbers", "named"),
    [(("--cases", 2), "2 phantom cases"), (("--structures", 9), "structures"), (("--variation", "nan"), "variation")],
)
def test_phantom_numbers_that_do_not_fit_are_refused(dualssl, tmp_path, numbers, named):
    outcome = dualssl("phantom", "--output", tmp_path / "phantoms", *numbers)
    assert outcome.status == 2
    assert named in outcome.complaint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["phantom", "demo"])
def test_a_folder_of_somebody_elses_files_is_left_alone(dualssl, tmp_path, command):
    (tmp_path / "thesis.txt").write_text("five years")
    outcome = dualssl(command, "--output", tmp_path)
    assert outcome.status == 2
    assert str(tmp_path) in outcome.complaint
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("command", ["phantom", "demo"])
@pytest.mark.parametrize("inside", [False, True])
def test_a_file_in_place_of_the_folder_is_a_clear_error(dualssl, tmp_path, command, inside):
    (tmp_path / "thesis").write_text("five years")
    outcome = dualssl(command, "--output", tmp_path / "thesis" / "x" if inside else tmp_path / "thesis")
    assert outcome.status == 2
    assert "thesis" in outcome.complaint
    assert (tmp_path / "thesis").read_text() == "five years"


def test_no_command_module_is_missing_from_the_help(helped):
    from pathlib import Path

    folder = Path(dualssl.cli.phantom.__file__).parent
    # `placement` and `release` are commands of `models`, `worklist` is one of `cases`.
    helpers = {"__init__", "app", "choices", "console", "outputs", "placement", "release", "worklist"}
    named = {command[0].replace("-", "_") for command in COMMANDS if command}
    assert {path.stem for path in folder.glob("*.py")} - helpers == named
