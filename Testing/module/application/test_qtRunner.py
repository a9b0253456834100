"""Commands that the application's event loop runs: real processes, real Qt."""

import gc
import os
import sys
import time
from pathlib import Path

import pytest

from DualSSLSegmentationLib.setup.commands import Command
from pythonEnvironments import plainEnvironment

LAUNCHER = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
child.wait()
"""

SLOW_WRITER = """
import os, time
os.write(1, b"a\\xc3")
time.sleep(0.3)
os.write(1, b"\\xa9\\n")
time.sleep(60)
"""


@pytest.fixture
def runner(windows):
    from DualSSLSegmentationLib.application.qtRunner import QtRunner

    made = QtRunner()
    yield made
    made.close()


@pytest.fixture
def run(runner):
    """Starts a piece of code and gives its lines, its end, and the function that cancels."""

    def start(code, seconds=30.0, program=sys.executable):
        lines, finished = [], []
        command = Command((program, "-c", code), plainEnvironment(), seconds)
        cancel = runner(command, lines.append, finished.append)
        assert finished == []
        return lines, finished, cancel

    return start


@pytest.fixture
def until(windows):
    """Lets the event loop turn until something is so; each call into Qt is a small cost, so it rests in between."""

    def turn_until(condition, seconds=20.0):
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.01)
            windows.turn()
        return condition()

    return turn_until


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with Path(f"/proc/{pid}/stat").open(encoding="utf-8") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"


def gone(pid):
    end = time.monotonic() + 10.0
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


def test_both_streams_lines_and_the_exit_status_are_told(run, until, runner):
    lines, finished, _ = run("import sys; print('zwei é\\nthree', end=''); sys.stderr.write('four\\n'); sys.exit(3)")
    assert runner.busy
    assert until(lambda: finished)
    assert (finished[0].code, finished[0].output, finished[0].errors) == (3, "zwei é\nthree", "four\n")
    assert sorted(lines) == ["four", "three", "zwei é"]
    assert not runner.busy


def test_a_line_is_told_when_it_comes_and_a_character_in_two_parts_is_one(run, until):
    lines, finished, cancel = run(SLOW_WRITER)
    assert until(lambda: lines == ["aé"])
    assert finished == []
    cancel()
    assert until(lambda: finished)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_cancelling_ends_what_a_launcher_started(run, until):
    lines, finished, cancel = run(LAUNCHER)
    assert until(lambda: lines)
    cancel()
    cancel()
    assert until(lambda: finished)
    assert finished[0].code is None
    assert "cancelled" in finished[0].errors
    assert gone(int(lines[0]))
    assert len(finished) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_takes_too_long_is_ended_with_what_it_started(run, until):
    lines, finished, _ = run(LAUNCHER, seconds=1.0)
    assert until(lambda: finished)
    assert "longer than 1 s" in finished[0].errors
    assert gone(int(lines[0]))


def test_a_program_that_is_not_there_is_told(run, until):
    _, finished, _ = run("", program="/no/such/python")
    assert until(lambda: finished)
    assert finished[0].code is None
    assert finished[0].errors


def test_nobody_needs_to_hold_on_to_a_command_until_it_ends(runner, until):
    finished = []
    for _ in range(3):
        runner(Command((sys.executable, "-c", ""), plainEnvironment(), 30.0), lambda _: None, finished.append)
        gc.collect()
    assert until(lambda: len(finished) == 3)
    assert [each.code for each in finished] == [0, 0, 0]


def test_one_who_is_told_may_start_the_next_or_close_everything(runner, until):
    finished = []

    def told(what):
        finished.append(what)
        if len(finished) == 1:
            runner(Command((sys.executable, "-c", ""), plainEnvironment(), 30.0), lambda _: None, told)
        else:
            runner.close()

    runner(Command((sys.executable, "-c", ""), plainEnvironment(), 30.0), lambda _: None, told)
    assert until(lambda: len(finished) == 2)
    assert not runner.busy


def test_a_crash_is_told(run, until):
    _, finished, _ = run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert until(lambda: finished)
    assert finished[0].code is None
    assert "crashed" in finished[0].errors


def test_several_commands_run_at_a_time(run, until):
    ended = [run(f"print({number})")[1] for number in range(3)]
    assert until(lambda: all(ended))
    assert [finished[0].output.strip() for finished in ended] == ["0", "1", "2"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_closing_ends_everything_and_tells_nobody(runner, until):
    lines, finished = [], []

    def close(line):
        lines.append(line)
        runner.close()

    runner(Command((sys.executable, "-c", LAUNCHER), plainEnvironment(), 30.0), close, finished.append)
    assert until(lambda: lines)
    assert gone(int(lines[0]))
    assert not until(lambda: finished, seconds=0.3)
