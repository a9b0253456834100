"""A child process that answers and ends, whatever it does."""

import sys

import pytest

from DualSSLSegmentationLib.setup.commands import Command, runAndWait
from pythonEnvironments import plainEnvironment


@pytest.fixture
def run():
    """Runs a piece of code in a child process: what came of it, and the lines as they came."""

    def run_code(code, seconds=30.0, program=sys.executable):
        lines, finished = [], []
        runAndWait(Command((program, "-c", code), plainEnvironment(), seconds), lines.append, finished.append)
        assert len(finished) == 1
        return finished[0], lines

    return run_code


def test_both_streams_and_the_exit_status_are_told(run):
    finished, lines = run("import sys; print('one'); print('zwei é'); sys.stderr.write('three\\n'); sys.exit(4)")
    assert (finished.code, finished.output.split(), finished.errors) == (4, ["one", "zwei", "é"], "three\n")
    assert sorted(lines) == ["one", "three", "zwei é"]


def test_bytes_that_are_no_text_do_not_stop_it(run):
    finished, lines = run("import os; os.write(1, b'\\xff\\xfe\\nend\\n')")
    assert finished.code == 0
    assert lines[-1] == "end"


def test_a_process_that_takes_too_long_is_ended_and_says_so(run):
    finished, _ = run("import time; print('started', flush=True); time.sleep(60)", seconds=1.0)
    assert finished.code is None
    assert "started" in finished.output
    assert "longer than 1 s" in finished.errors


def test_a_program_that_is_not_there_is_told_not_raised(run):
    finished, _ = run("", program="/no/such/python")
    assert finished.code is None
    assert "/no/such/python" in finished.errors


def test_a_command_shows_no_environment_in_a_log():
    assert "SECRET" not in repr(Command(("python",), {"TOKEN": "SECRET"}, 1.0))
