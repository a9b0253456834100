"""The worker as a child process of the event loop."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from dualssl.worker.client import WorkerClient
from dualssl_web.engine_process import AsyncioTransport, end_all
from webServer import PATIENCE

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups and no SIGKILL")

ECHO = """
import sys
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(line); sys.stdout.buffer.flush()
sys.stderr.write("noise of \\u00e9\\n"); sys.stderr.flush()
sys.stdout.buffer.write(b"last words"); sys.stdout.buffer.flush()
sys.exit(3)
"""
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


class Told:
    """What a transport has told."""

    def __init__(self):
        self.data, self.noise, self.exits = b"", "", []

    def bytes(self, data):
        assert not self.exits, "bytes after the end"
        self.data += data

    def add_noise(self, text):
        self.noise += text

    async def until(self, condition):
        async def wait():
            while not condition():
                await asyncio.sleep(0.005)

        await asyncio.wait_for(wait(), PATIENCE)


@pytest.fixture
def transport():
    """Makes a transport that runs a script, and what it tells."""

    def make(script, *command):
        told = Told()
        return AsyncioTransport(command or (sys.executable, "-c", script), os.environ, told.add_noise), told

    return make


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_bytes_go_both_ways_in_order_and_the_end_comes_last(transport):
    async def run():
        made, told = transport(ECHO)
        made.start(told.bytes, told.exits.append)
        # Before there is a process.
        made.write(b"one\n")
        made.write(b"two\n")
        assert not told.data
        await told.until(lambda: told.data == b"one\ntwo\n")
        made.write(b"x" * 300_000 + b"\n")
        await told.until(lambda: len(told.data) == 300_009)
        made.close_stdin()
        await told.until(lambda: told.exits)
        # Nobody is there any more.
        made.write(b"lost")
        made.close_stdin()
        made.end_tree(None)
        assert (told.data[-10:], told.exits, made.ended) == (b"last words", [3], True)
        assert told.noise == "noise of é\n"

    asyncio.run(run())


def test_stdin_may_be_closed_before_there_is_a_process(transport):
    async def run():
        made, told = transport(ECHO)
        made.start(told.bytes, told.exits.append)
        made.write(b"one\n")
        made.close_stdin()
        await told.until(lambda: told.exits)
        assert told.data == b"one\nlast words"

    asyncio.run(run())


@pytest.mark.parametrize("command", ["/no/such/program", str(Path(__file__).parent)])
def test_what_cannot_be_started_is_told_as_an_end_later_than_the_start(transport, command):
    async def run():
        made, told = transport("", command)
        made.start(told.bytes, told.exits.append)
        assert told.exits == []
        made.write(b"lost")
        await told.until(lambda: told.exits)
        assert told.exits == [None]
        assert "could not be started" in told.noise
        await end_all(1.0)

    asyncio.run(run())


@unix
def test_a_tree_is_ended_with_all_its_branches(transport):
    async def run():
        made, told = transport(STUBBORN)
        made.start(told.bytes, told.exits.append)
        await told.until(lambda: told.data.endswith(b"\n"))
        child = int(told.data)
        made.end_tree(None)
        await told.until(lambda: told.exits)
        assert told.exits == [-signal.SIGKILL]
        await told.until(lambda: gone(child))

    asyncio.run(run())


@unix
def test_what_is_ended_while_it_starts_is_gone_as_well(transport):
    async def run():
        made, told = transport(STUBBORN)
        made.start(told.bytes, told.exits.append)
        made.end_tree(None)
        await told.until(lambda: told.exits)
        assert told.exits == [-signal.SIGKILL]

    asyncio.run(run())


@unix
def test_an_end_is_told_even_if_a_child_keeps_the_streams(transport):
    script = STUBBORN.replace("time.sleep(600)\n", "sys.exit(4)\n")

    async def run():
        made, told = transport(script)
        made.start(told.bytes, told.exits.append)
        await told.until(lambda: told.exits)
        assert told.exits == [4]
        os.kill(int(told.data), signal.SIGKILL)

    asyncio.run(run())


@unix
def test_it_leads_a_group_of_its_own(transport):
    async def run():
        made, told = transport("import os; print(os.getpgid(0) == os.getpid() == os.getsid(0), flush=True)")
        made.start(told.bytes, told.exits.append)
        await told.until(lambda: told.exits)
        assert told.data == b"True\n"

    asyncio.run(run())


@unix
def test_at_the_end_nothing_is_left_running(transport):
    async def run():
        kind, stubborn = transport(ECHO), transport(STUBBORN)
        for made, told in (kind, stubborn):
            made.start(told.bytes, told.exits.append)
        await stubborn[1].until(lambda: stubborn[1].data.endswith(b"\n"))
        kind[0].close_stdin()
        await end_all(1.0)
        assert (kind[1].exits, stubborn[1].exits) == ([3], [-signal.SIGKILL])

    asyncio.run(run())


def test_a_worker_answers_and_leaves():
    async def run():
        told, answers = Told(), []
        client = WorkerClient(
            lambda: AsyncioTransport([sys.executable, "-m", "dualssl.worker"], os.environ, told.add_noise), told.add_noise
        )
        client.request("models", {"folders": []}, answers.append, answers.append)
        await told.until(lambda: answers and client.pid)
        assert answers == [[]]
        pid = client.pid
        client.close()
        await end_all(PATIENCE)
        assert gone(pid)

    asyncio.run(run())


@unix
def test_a_worker_that_was_killed_is_started_anew():
    async def run():
        told, answers = Told(), []
        client = WorkerClient(
            lambda: AsyncioTransport([sys.executable, "-m", "dualssl.worker"], os.environ, told.add_noise), told.add_noise
        )
        for _ in range(2):
            client.request("models", {"folders": []}, answers.append, answers.append)
            count = len(answers)
            await told.until(lambda count=count: len(answers) > count and client.pid)
            os.kill(client.pid, signal.SIGKILL)
            await told.until(lambda: not client.running)
        assert answers == [[], []]
        client.close()
        await end_all(PATIENCE)

    asyncio.run(run())
