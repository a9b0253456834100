"""The worker as a process: nothing but the protocol on its stdout, a log, and nobody left behind."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from dualssl.worker.process import log_to
from dualssl.worker.tree import end_tree

PATIENCE = 60.0
unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups and no SIGKILL")

NOISY = """
from dualssl.worker.process import take_streams, write_all
read_from, write_to = take_streams()
import ctypes, os, subprocess, sys
print("noise of Python", flush=True)
os.write(1, b"noise of a descriptor\\n")
libc = ctypes.CDLL(None)
libc.puts(b"noise of C")
libc.fflush(None)
child = subprocess.run([sys.executable, "-c", "import sys; print('noise of a child', sys.stdin.read())"], check=True)
sys.stdout.flush()
line = os.read(read_from, 100)
write_all(write_to, line)
"""

PARENT = """
import subprocess, sys
from dualssl.worker.process import lead_group, leave
lead_group()
sleep = "import time; time.sleep(600)"
command = [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleep!r}])"]
children = [subprocess.Popen(command) for _ in range(2)]
import psutil
me = psutil.Process()
while len(me.children(recursive=True)) < 4:
    pass
print(*[child.pid for child in me.children(recursive=True)], flush=True)
if sys.argv[1] == "leave":
    leave(7)
import time
time.sleep(600)
"""


def run(script, *arguments, **options):
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True, **options)


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@unix
def test_only_the_protocol_reaches_stdout_and_only_the_worker_reads_stdin():
    result = run(NOISY, input=b"for the worker\n")
    assert result.stdout == b"for the worker\n"
    for who in (b"Python", b"a descriptor", b"C", b"a child"):
        assert b"noise of " + who in result.stderr


def test_the_log_goes_to_its_file_and_so_do_complaints(tmp_path, start_engine, worker_command):
    log = tmp_path / "Protokolle é" / "worker.log"
    engine = start_engine((*worker_command, "--log", str(log)))
    answer = engine.ask("models", folders=["relative"])
    assert answer.error.kind == "RequestError"
    engine.close()
    text = log.read_text(encoding="utf-8")
    assert "models" in text
    assert "Traceback" in text


def test_the_client_is_told_where_the_log_is(tmp_path, start_engine, worker_command):
    engine = start_engine((*worker_command, "--log", str(tmp_path / "worker.log")))
    assert engine.ask("hello").result["log"] == str(tmp_path / "worker.log")


def test_a_log_that_cannot_be_written_keeps_nobody_from_work(tmp_path, start_engine, worker_command):
    engine = start_engine((*worker_command, "--log", str(tmp_path)), stderr=subprocess.DEVNULL)
    assert engine.ask("models", folders=[]).result == []
    assert engine.ask("hello").result["log"] is None


def test_a_long_log_is_put_aside(tmp_path, monkeypatch):
    log = tmp_path / "worker.log"
    log.write_bytes(b"x" * (5 << 20))
    kept = [os.dup(1), os.dup(2)]
    try:
        log_to(log)
    finally:
        for descriptor, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, descriptor)
            os.close(copy)
    assert log.stat().st_size == 0
    assert (tmp_path / "worker.log.1").stat().st_size == 5 << 20


@unix
def test_who_leaves_takes_everybody_along(is_gone):
    process = subprocess.run([sys.executable, "-c", PARENT, "leave"], stdout=subprocess.PIPE, timeout=PATIENCE, check=False)
    children = [int(pid) for pid in process.stdout.split()]
    assert process.returncode == 7
    assert len(children) == 4
    until(lambda: all(map(is_gone, children)))


@unix
def test_a_tree_is_ended_with_all_its_branches(is_gone):
    process = subprocess.Popen([sys.executable, "-c", PARENT, "stay"], stdout=subprocess.PIPE)
    children = [int(pid) for pid in process.stdout.readline().split()]
    end_tree(process.pid)
    assert process.wait(PATIENCE) == -signal.SIGKILL
    until(lambda: all(map(is_gone, children)))
    # There is nobody left to end.
    end_tree(process.pid)
    process.stdout.close()


@unix
def test_a_process_that_leads_no_group_is_ended_alone():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    end_tree(process.pid)
    assert process.wait(PATIENCE) == -signal.SIGKILL


@pytest.mark.parametrize("pid", [1, 0, -1])
def test_numbers_that_stand_for_many_processes_are_refused(pid):
    with pytest.raises(ValueError, match="worker"):
        end_tree(pid)


@unix
def test_a_worker_leads_a_group_of_its_own(start_engine):
    engine = start_engine()
    assert os.getpgid(engine.pid()) == engine.pid()
    assert os.getsid(engine.pid()) == engine.pid()


@unix
def test_ctrl_c_in_the_terminal_is_for_the_client_alone(start_engine):
    engine = start_engine()
    os.kill(engine.pid(), signal.SIGINT)
    assert engine.ask("models", folders=[]).result == []


def test_a_worker_ends_when_its_stdin_does(worker_command):
    process = subprocess.Popen(worker_command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, _ = process.communicate(b'{"jsonrpc": "2.0", "id": 1, "method": "hello"}\nhalf a li', timeout=PATIENCE)
    assert process.returncode == 0
    assert json.loads(out)["id"] == 1


def test_a_worker_ends_when_asked(worker_command):
    process = subprocess.Popen(worker_command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "shutdown"}\n')
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["result"] == {}
    assert process.wait(PATIENCE) == 0
    process.stdin.close()
    process.stdout.close()


def test_a_worker_ends_when_nobody_reads_any_more(worker_command):
    process = subprocess.Popen(worker_command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.close()
    process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "hello"}\n')
    process.stdin.flush()
    assert process.wait(PATIENCE) == 0
    process.stdin.close()
