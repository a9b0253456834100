"""What an interpreter lacks is found by asking it, and a person is shown what would be installed."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from DualSSLSegmentationLib.setup.commands import Finished, runAndWait
from DualSSLSegmentationLib.setup.engineRequirements import Requirement
from DualSSLSegmentationLib.setup.engineSetup import (
    PROTECTED,
    InterpreterState,
    SetupError,
    addedTo,
    changesOf,
    constraintLines,
    look,
    plan,
)
from DualSSLSegmentationLib.setup.interpreters import ownInterpreter
from pythonEnvironments import addStartUpCode, makeEnvironment, makeWheel, plainEnvironment


def needs(name, minimum="2.0", below="3"):
    return Requirement(name, minimum, below, f"what {name} is for", "5 MB")


REQUIREMENTS = (needs("numpy", "1.26"), needs("lightning-fabric"), needs("monai", "1.5", "1.7"), needs("torch", "2.6"))


@pytest.fixture
def slicers_python(tmp_path):
    """A Python with a suitable numpy, an old monai, and nothing else that is needed."""
    wheels = [makeWheel(tmp_path / "bundled", "numpy", "2.0.1"), makeWheel(tmp_path / "bundled", "monai", "1.3.0", ["numpy"])]
    return ownInterpreter(makeEnvironment(tmp_path / "python é", wheels), plainEnvironment())


@pytest.fixture
def asked():
    """Asks an interpreter: its state, or the sentence that says why there is none."""

    def ask(interpreter, run=runAndWait, really=False, requirements=REQUIREMENTS):
        states, errors = [], []
        look(run, interpreter, requirements, states.append, errors.append, really)
        assert len(states) + len(errors) == 1
        return states[0] if states else errors[0]

    return ask


def state_with(requirements=REQUIREMENTS, broken=None, bundled=(), python="3.12.4", **versions):
    return InterpreterState(python, versions, {}, broken or {}, requirements, tuple(bundled))


def answer(text, code=0, errors=""):
    """A runner whose process says this."""

    def run(command, onLine, onFinished):
        onFinished(Finished(code, text, errors))
        return lambda: None

    return run


def test_an_interpreter_is_asked_what_it_has(slicers_python, asked):
    state = asked(slicers_python)
    assert [r.name for r in state.missing] == ["lightning-fabric", "torch"]
    assert [r.name for r in state.unsuitable] == ["monai"]
    assert state.versions["numpy"] == "2.0.1"
    assert state.needs["monai"] == ["numpy"]
    assert not state.ready
    assert state.python == ".".join(map(str, sys.version_info[:3]))
    assert "Not installed: lightning-fabric, torch." in state.sentence()
    assert "monai is 1.3.0, needed is >=1.5,<1.7." in state.sentence()


def test_everything_there_is_ready(tmp_path, asked):
    versions = {"numpy": "2.1.0", "lightning-fabric": "2.6.6", "monai": "1.6.1", "torch": "2.13.0+cpu"}
    wheels = [makeWheel(tmp_path / "w", name, version) for name, version in versions.items()]
    state = asked(ownInterpreter(makeEnvironment(tmp_path / "env", wheels), plainEnvironment()), really=True)
    assert state.ready, state
    assert "Everything the engine needs is there" in state.sentence()


def test_nothing_is_imported_into_this_process_to_find_out(slicers_python, asked):
    before = set(sys.modules)
    asked(slicers_python)
    assert not {"torch", "monai", "lightning_fabric"} & (set(sys.modules) - before)


def test_what_a_start_up_file_prints_does_not_matter(slicers_python, asked):
    addStartUpCode(slicers_python.program.parents[1], "print('Welcome!'); import sys; sys.stderr.write('and a warning\\n')")
    assert [r.name for r in asked(slicers_python).missing] == ["lightning-fabric", "torch"]


def test_an_installed_package_that_cannot_be_imported_is_found(tmp_path, asked):
    wheel = makeWheel(tmp_path / "w", "torch", "2.13.0", code="raise OSError('c10.dll is missing\\nand more')")
    interpreter = ownInterpreter(makeEnvironment(tmp_path / "env", [wheel]), plainEnvironment())
    only = (needs("torch", "2.6"),)
    assert asked(interpreter, requirements=only).ready
    state = asked(interpreter, really=True, requirements=only)
    assert state.broken == {"torch": "OSError: c10.dll is missing"}
    assert "torch is installed but does not work (OSError: c10.dll is missing)" in state.sentence()
    with pytest.raises(SetupError, match="Remove it with pip, restart Slicer"):
        plan(state, own=True)


def test_a_record_without_its_files_is_found(slicers_python, asked):
    (found,) = slicers_python.program.parents[1].rglob("numpy/__init__.py")
    found.unlink()
    found.parent.rmdir()
    assert asked(slicers_python).broken == {"numpy": "its files are gone"}


@pytest.mark.parametrize(
    "run",
    [
        answer("Python is not a program of this computer"),
        answer("", code=1, errors="Traceback\nSystemError: no home\n"),
        answer("", code=None, errors="It took longer than 30 s and was ended."),
        answer("DualSSL-probe {not json"),
        answer("DualSSL-probe []"),
        answer('DualSSL-probe {"versions": 3, "modules": {}, "needs": {}, "python": ""}'),
    ],
)
def test_what_does_not_answer_like_python_is_named(run, slicers_python, asked):
    sentence = asked(slicers_python, run)
    assert str(slicers_python.program) in sentence
    assert "choose another one" in sentence


def test_a_program_that_is_none_is_named(slicers_python, asked, tmp_path):
    assert "No such file" in asked(replace(slicers_python, program=tmp_path / "python"))


def test_the_list_names_versions_purpose_size_and_what_is_replaced(slicers_python, asked):
    text = plan(asked(slicers_python), own=True).text()
    assert "- torch >=2.6,<3: what torch is for, 5 MB" in text
    assert "- monai >=1.5,<1.7: what monai is for, 5 MB, replaces 1.3.0" in text
    assert "numpy >=" not in text
    assert "Unchanged stay: numpy." in text
    assert "PyPI" in text


def test_with_the_pytorch_extension_torch_is_left_to_it():
    made = plan(state_with(numpy="2.0.1"), own=True, torchExtension=True)
    assert made.torch.name == "torch"
    assert "torch is installed as the PyTorch extension does it: light-the-torch" in made.text()
    arguments = made.pipArguments(Path("c.txt"))
    assert "monai>=1.5,<1.7" in arguments
    assert not any(word.startswith("torch") for word in arguments)
    only_torch = plan(state_with(numpy="2", monai="1.6", **{"lightning-fabric": "2.6"}), own=True, torchExtension=True)
    assert only_torch.pipArguments(Path("c.txt")) is None


def test_without_internet_wheels_come_from_a_folder(tmp_path):
    makeWheel(tmp_path, "monai", "1.6.0")
    made = plan(state_with(numpy="2.0.1"), own=True, torchExtension=True, wheels=tmp_path)
    arguments = made.pipArguments(Path("c.txt"))
    assert arguments[arguments.index("--find-links") + 1] == str(tmp_path)
    assert "--no-index" in arguments
    # The PyTorch extension would go to the internet.
    assert "torch>=2.6,<3" in arguments
    assert str(tmp_path) in made.text()


def test_a_folder_without_wheels_is_refused(tmp_path):
    with pytest.raises(SetupError, match="holds no wheels"):
        plan(state_with(), own=True, wheels=tmp_path)


def test_only_wheels_are_ever_taken():
    arguments = plan(state_with(), own=True).pipArguments(Path("c.txt"))
    assert arguments[arguments.index("--only-binary") + 1] == ":all:"
    assert arguments[arguments.index("--constraint") + 1] == "c.txt"


def test_an_interpreter_of_a_person_is_never_changed():
    with pytest.raises(SetupError, match=r'never changed from here: run  pip install "numpy>=1.26,<3" .*there'):
        plan(state_with(), own=False)


def test_a_python_that_is_too_old_is_refused():
    state = state_with(python="3.9.12", numpy="2")
    assert not state.ready
    with pytest.raises(SetupError, match=r"Python 3.9.12, and the engine needs 3.10"):
        plan(state, own=True)


def test_what_slicer_brings_is_not_replaced_even_where_it_does_not_suit():
    with pytest.raises(SetupError, match=r"brings numpy 1.21.0, needed is >=1.26,<3, and what Slicer brings is never replaced"):
        plan(state_with(numpy="1.21.0"), own=True)


def test_the_torch_of_other_extensions_is_not_replaced():
    with pytest.raises(SetupError, match=r"torch is 2.1.0.*others may rely on it.*PyTorch Utils"):
        plan(state_with(numpy="2", torch="2.1.0"), own=True)


def test_constraints_keep_what_is_there_exactly():
    state = state_with(numpy="2.0.1", simpleitk="2.5.0rc2.dev1+gab", torch="2.13.0+cu126", requests="2.1", bundled=["vtk"])
    assert constraintLines(state) == ("numpy==2.0.1", "simpleitk==2.5.0rc2.dev1+gab", "torch==2.13.0+cu126", "vtk<0")


def test_the_names_that_are_protected_are_written_as_pip_compares_them():
    assert all(name == name.lower().replace("_", "-") for name in PROTECTED)
    assert {"numpy", "simpleitk", "vtk", "scipy", "torch", "torchvision"} <= set(PROTECTED)


def test_a_module_without_a_record_is_bundled_not_missing(tmp_path, asked):
    interpreter = ownInterpreter(makeEnvironment(tmp_path / "env"), plainEnvironment())
    for name in ("vtk", "numpy"):
        (packages,) = interpreter.program.parents[1].rglob("site-packages")
        (packages / f"{name}.py").write_text("")
    state = asked(interpreter)
    assert set(state.bundled) == {"vtk", "numpy"}
    assert "numpy" not in [r.name for r in state.missing]
    assert set(constraintLines(state)) == {"numpy<0", "vtk<0"}


def test_what_is_new_and_what_has_changed_is_told_apart():
    before = state_with(numpy="2.0.1", monai="1.3", requests="2.0", six="1.0")
    after = state_with(numpy="2.4.0", monai="1.6", requests="2.0", torch="2.13.0")
    assert addedTo(before, after) == {"torch": "2.13.0"}
    assert changesOf(before, after) == {"numpy": ("2.0.1", "2.4.0"), "monai": ("1.3", "1.6"), "six": ("1.0", "")}
    assert changesOf(before, after, PROTECTED) == {"numpy": ("2.0.1", "2.4.0")}
    assert changesOf(before, before) == {}


def test_the_question_can_be_cancelled(slicers_python):
    calls = []

    def run(command, onLine, onFinished):
        assert command.seconds <= 60
        assert os.fspath(slicers_python.program) == command.arguments[0]
        return lambda: calls.append("cancelled")

    look(run, slicers_python, REQUIREMENTS, calls.append, calls.append)()
    assert calls == ["cancelled"]
