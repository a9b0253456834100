"""A job from its first step to its end, with real processes at the other end of the line."""

import os
import signal
import sys

import psutil
import pytest

from dualssl.errors import DatasetError
from dualssl.worker.client import WorkerClient
from DualSSLSegmentationLib.jobs.engineJob import EngineJob
from workerTransport import Engine

# A worker of a few lines: "wait" is answered only after it was cancelled, all else at once.
SCRIPT = """
import json, os, sys
def say(**what): print(json.dumps({"jsonrpc": "2.0", **what}), flush=True)
def tell(id_, stage):
    numbers = {"done": 1, "total": 4, "seconds_left": 3, "loss": None, "dice": None}
    say(method="progress", params={"id": id_, "stage": stage, "note": "", **numbers})
waiting = []
cancelled = {"code": -32002, "message": "The job was cancelled.", "data": {"kind": "Cancelled", "detail": ""}}
for line in sys.stdin:
    asked = json.loads(line)
    method, id_, params = asked["method"], asked.get("id"), asked.get("params", {})
    if method == "hello":
        say(id=id_, result={"protocol": 1, "pid": os.getpid()})
    elif method == "wait":
        waiting.append(id_)
        tell(id_, "Working")
    elif method == "cancel":
        for held in waiting:
            tell(held, "Still at it")
            say(id=held, **({"error": cancelled} if "--heeds" in sys.argv else {"result": {"late": True}}))
        waiting.clear()
    else:
        say(id=id_, result={"method": method, **params})
"""


class Job:
    """A job and what came of it.

    Attributes:
        notes: what its steps and its cleaning up did, in order.
    """

    def __init__(self, engine, method="echo", finish=True, prepareFails=None, finishFails=None, client=None):
        self.loop = engine.loop
        self.notes = []
        self.states = []
        self.progress = []
        self.ended = []
        self.job = EngineJob(
            client or engine.client,
            engine.loop.schedule,
            method,
            self._prepare(prepareFails),
            (lambda answer: self._finish(answer, finishFails)) if finish else None,
            self.states.append,
            self._end,
            self.progress.append,
            lambda: self.notes.append("cleaned up"),
        )

    def _end(self, ended):
        self.notes.append("told")
        self.ended.append(ended)

    def _prepare(self, error):
        try:
            yield "Preparing"
            if error is not None:
                raise error
            yield "Prepared"
            return {"x": "é"}
        finally:
            self.notes.append("prepare closed")

    def _finish(self, answer, error):
        try:
            yield "Finishing"
            if error is not None:
                raise error
            yield "Nearly done"
            return {"finished": answer}
        finally:
            self.notes.append("finish closed")

    def until(self, text):
        self.loop.runUntil(lambda: text in self.texts())

    def texts(self):
        return [state.text for state in self.states]

    def end(self):
        self.loop.runUntil(lambda: self.ended)
        assert len(self.ended) == 1
        return self.ended[0]


@pytest.fixture
def engine():
    made = Engine((sys.executable, "-c", SCRIPT))
    yield made
    made.close()


@pytest.fixture
def obedient_engine():
    """It answers a cancelled job with "Cancelled", not with its result."""
    made = Engine((sys.executable, "-c", SCRIPT, "--heeds"))
    yield made
    made.close()


def test_a_job_is_prepared_asked_for_and_finished(engine):
    job = Job(engine)
    assert job.job.running
    ended = job.end()
    assert ended.ok
    assert ended.value == {"finished": {"method": "echo", "x": "é"}}
    assert job.texts() == ["Preparing", "Prepared", "Starting the engine", "Finishing", "Nearly done"]
    assert job.notes == ["prepare closed", "finish closed", "cleaned up", "told"]
    assert not job.job.running


def test_without_anything_to_finish_the_answer_is_the_value(engine):
    assert Job(engine, finish=False).end().value == {"method": "echo", "x": "é"}


def test_a_running_engine_is_waited_for_not_started(engine):
    Job(engine).end()
    job = Job(engine)
    job.end()
    assert "Waiting for the engine" in job.texts()
    assert len(engine.pids) == 1


def test_what_the_engine_tells_is_passed_on(obedient_engine):
    job = Job(obedient_engine, "wait")
    job.until("Working")
    state = job.states[-1]
    assert (state.fraction, state.secondsLeft) == (0.25, 3)
    assert job.progress[0].stage == "Working"
    job.job.cancel()
    job.end()


def test_preparing_that_fails_is_said_in_its_own_words_and_starts_no_engine(engine):
    ended = Job(engine, prepareFails=DatasetError("Mend the volume.")).end()
    assert (ended.ok, ended.cancelled, ended.message) == (False, False, "Mend the volume.")
    assert engine.pids == ()


@pytest.mark.parametrize("part", ["prepareFails", "finishFails"])
def test_a_fault_of_the_program_is_said_and_logged(engine, caplog, part):
    job = Job(engine, **{part: KeyError("oops")})
    ended = job.end()
    assert "KeyError" in ended.message
    assert "Traceback" in ended.detail
    assert "Job 'echo' failed" in caplog.text
    assert job.notes[-2:] == ["cleaned up", "told"]


def test_where_there_is_no_interpreter_that_is_said(engine):
    def noInterpreter():
        raise DatasetError("The interpreter is not there: choose another one.")

    ended = Job(engine, client=WorkerClient(noInterpreter)).end()
    assert ended.message == "The interpreter is not there: choose another one."


def test_after_the_client_was_closed_a_job_ends_with_a_sentence(engine, caplog):
    engine.client.close()
    job = Job(engine)
    assert not job.end().ok
    assert "cleaned up" in job.notes


def test_cancelled_while_it_is_prepared_it_ends_at_once(engine):
    job = Job(engine)
    job.until("Preparing")
    job.job.cancel()
    assert job.ended[0].cancelled
    assert job.notes == ["prepare closed", "cleaned up", "told"]
    engine.loop.runFor(0.1)
    assert engine.pids == ()


def test_cancelled_in_the_engine_it_ends_when_the_engine_has_let_go(obedient_engine):
    job = Job(obedient_engine, "wait")
    job.until("Working")
    job.job.cancel()
    job.job.cancel()
    assert job.ended == []
    ended = job.end()
    assert (ended.ok, ended.cancelled, ended.message) == (False, True, "")
    assert job.texts()[-1] == "Cancelling"  # not what the engine told afterwards
    assert job.notes == ["prepare closed", "cleaned up", "told"]


def test_an_answer_that_crosses_the_cancelling_is_not_finished(engine):
    job = Job(engine, "wait")
    job.until("Working")
    job.job.cancel()
    assert job.end().cancelled
    assert "Finishing" not in job.texts()


def test_what_was_done_when_the_cancelling_came_is_done(engine):
    job = Job(engine, "wait", finish=False)
    job.until("Working")
    job.job.cancel()
    ended = job.end()
    assert (ended.ok, ended.value) == (True, {"late": True})


def test_cancelled_while_it_is_finished_its_steps_are_undone(engine):
    job = Job(engine)
    job.until("Finishing")
    job.job.cancel()
    assert job.ended[0].cancelled
    assert job.notes == ["prepare closed", "finish closed", "cleaned up", "told"]
    engine.loop.runFor(0.1)
    assert len(job.ended) == 1


def test_cancelled_by_whoever_hears_of_a_step(engine):
    job = Job(engine)
    job.states = type("Hasty", (list,), {"append": lambda self, state: state.text == "Nearly done" and job.job.cancel()})()
    job.job._onState = job.states.append
    assert job.end().cancelled


@pytest.mark.parametrize("stage", ["Preparing", "Working", "Finishing"])
def test_abandoned_it_says_nothing_and_cleans_up_once_all_is_still(engine, stage):
    job = Job(engine, "wait" if stage == "Working" else "echo")
    job.until(stage)
    told = len(job.states)
    job.job.abandon()
    assert not job.job.running
    assert ("cleaned up" in job.notes) == (stage != "Working")
    engine.loop.runUntil(lambda: "cleaned up" in job.notes)
    engine.loop.runFor(0.1)
    assert (job.ended, len(job.states)) == ([], told)
    assert job.notes.count("cleaned up") == 1


def test_an_engine_that_is_killed_is_one_sentence_and_the_next_job_gets_a_new_one(engine):
    job = Job(engine, "wait")
    job.until("Working")
    engine.loop.runUntil(lambda: engine.client.pid is not None)
    os.kill(engine.client.pid, signal.SIGKILL)
    ended = job.end()
    assert not ended.cancelled
    assert ended.message.startswith("The segmentation engine was ended by the system")
    assert Job(engine).end().ok
    assert len(engine.pids) == 2


def test_a_worker_that_does_not_heed_the_cancelling_is_ended(tmp_path):
    deaf = SCRIPT.replace('elif method == "cancel":', 'elif method == "cancel":\n        continue')
    engine = Engine((sys.executable, "-c", deaf))
    job = Job(engine, "wait")
    job.until("Working")
    job.job.cancel()
    assert job.end().cancelled
    engine.waitForEnd()
    assert not psutil.pid_exists(engine.pids[0])
    engine.close()


def test_the_script_speaks_as_the_worker_does(engine):
    """What these tests lean on: the real worker and the script answer the same greeting."""
    real, answers = Engine(), []
    for each in (real, engine):
        each.client.request("hello", {}, answers.append, answers.append)
        before = len(answers)
        each.loop.runUntil(lambda before=before: len(answers) > before)
    assert answers[0]["protocol"] == answers[1]["protocol"]
    assert type(answers[0]["pid"]) is type(answers[1]["pid"]) is int
    real.close()
