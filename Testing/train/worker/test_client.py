"""The client against processes that behave badly in every way, and against real workers."""

import sys
import textwrap

import pytest

from dualssl.worker.client import WorkerClient
from dualssl.worker.protocol import Code

# What all peers know: read requests, answer some. `say` writes bytes as they are.
PEER = """
import json, os, sys, time
def say(data):
    os.write(1, data if isinstance(data, bytes) else (json.dumps({"jsonrpc": "2.0", **data}) + "\\n").encode())
def hello(request, **more):
    say({"id": request["id"], "result": {"protocol": 1, "pid": os.getpid(), "log": "/logs/worker.log", **more}})
for line in sys.stdin:
    request = json.loads(line)
    method, id, params = request["method"], request.get("id"), request.get("params")
"""


def peer(body):
    return (sys.executable, "-c", PEER + textwrap.indent(textwrap.dedent(body), "    "))


POLITE = """
if method == "hello":
    hello(request)
elif method == "echo":
    say({"id": id, "result": params})
"""


@pytest.fixture
def polite(start_engine):
    return start_engine(peer(POLITE))


def test_a_call_starts_a_process_and_gets_its_result(polite):
    assert not polite.client.running
    answer = polite.start("echo", text="é\U0001f600 \udcff", n=[1.5, None])
    assert polite.client.running
    assert not answer.over
    assert not answer.call.done
    assert polite.wait(answer).result == {"text": "é\U0001f600 \udcff", "n": [1.5, None]}
    assert answer.call.done
    assert polite.client.pid == polite.loop.transports[0].process.pid


def test_one_process_serves_many_calls(polite):
    answers = [polite.start("echo", n=n) for n in range(50)]
    assert [polite.wait(answer).result["n"] for answer in answers] == list(range(50))
    assert len(polite.loop.transports) == 1


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 16])
def test_answers_are_read_however_they_are_cut(start_engine, chunk):
    body = """
    if method == "hello":
        hello(request)
    else:
        text = json.dumps({"jsonrpc": "2.0", "id": id, "result": "Größe 左心房 \U0001fac0"}, ensure_ascii=False)
        say({"method": "progress", "params": {"id": id, "stage": "é"}})
        say((text + "\\n" + text + "\\n").encode())
    """
    engine = start_engine(peer(body), chunk=chunk)
    answer = engine.ask("x")
    assert answer.result == "Größe 左心房 \U0001fac0"
    assert [progress.stage for progress in answer.progress] == ["é"]


def test_what_is_no_protocol_goes_to_the_log(start_engine):
    body = r"""
    if method == "hello":
        say(b"Loading extension...\n\xff\xfe no text\n[1, 2]\n42\n\r\n" + b"x" * 5000 + b"\n")
        say({"method": "log", "params": {"level": "warning", "text": "low memory"}})
        say({"method": "unheard of", "params": {}})
        say({"method": "progress", "params": {"id": 99, "stage": "of nobody"}})
        say({"method": "progress", "params": "garbled"})
        say({"id": 12345, "result": "to nobody"})
        say({"id": [], "result": "to nobody"})
        hello(request)
    else:
        say({"id": id, "result": 1})
    """
    engine = start_engine(peer(body))
    assert engine.ask("x").result == 1
    assert engine.log[:4] == ["Loading extension...", "\ufffd\ufffd no text", "[1, 2]", "42"]
    assert len(engine.log[4]) == 2000
    assert engine.log[5:] == ["warning: low memory"]


def test_a_second_answer_is_not_told(start_engine):
    body = """
    if method == "hello":
        hello(request)
    elif method == "x":
        say({"id": id, "result": 1})
        say({"id": id, "error": {"code": -1, "message": "late"}})
        say({"method": "progress", "params": {"id": id, "stage": "late"}})
    else:
        say({"id": id, "result": 2})
    """
    engine = start_engine(peer(body))
    first, second = engine.start("x"), engine.start("y")
    engine.wait(second)
    assert (first.results, first.errors, first.progress) == ([1], [], [])


def test_an_error_is_told_with_its_kind_and_its_detail_goes_to_the_log(start_engine):
    body = """
    if method == "x":
        data = {"kind": "ModelError", "detail": "Traceback ..."}
        say({"id": id, "error": {"code": -32001, "message": "Choose a model.", "data": data}})
    """
    engine = start_engine(peer(body))
    error = engine.ask("x").error
    assert (error.code, error.message, error.kind) == (Code.mendable, "Choose a model.", "ModelError")
    assert engine.log == ["Traceback ..."]


def test_a_process_that_dies_tells_every_call_once_and_the_next_call_starts_another(start_engine):
    body = """
    if method == "hello":
        hello(request)
    elif method == "die":
        os._exit(3)
    elif method == "echo":
        say({"id": id, "result": params})
    """
    engine = start_engine(peer(body))
    assert engine.ask("echo").result == {}
    answers = [engine.start("wait"), engine.start("die"), engine.start("echo")]
    for answer in answers:
        error = engine.wait(answer).error
        assert (error.code, error.kind) == (Code.engine_stopped, "EngineStopped")
        assert "try again" in error.message
        assert "/logs/worker.log" in error.message
    assert not engine.client.running
    assert engine.client.pid is None
    assert engine.ask("echo", n=1).result == {"n": 1}
    assert len(engine.loop.transports) == 2
    assert all(len(answer.errors) == 1 for answer in answers)


def test_a_process_that_the_system_ended_says_what_most_likely_happened(start_engine):
    engine = start_engine(peer("if method == 'hello': hello(request)\nelse: os.kill(os.getpid(), 9)"))
    assert "memory" in engine.ask("x").error.message


@pytest.mark.parametrize("command", [(sys.executable, "-c", "raise SystemExit(1)"), ("/no such/program",)])
def test_a_process_that_does_not_start_says_what_to_do(start_engine, command):
    engine = start_engine(command, log_file="/logs/of the client.log")
    answer = engine.start("x")
    assert not answer.over
    error = engine.wait(answer).error
    assert "could not be started" in error.message
    assert "/logs/of the client.log" in error.message
    assert engine.ask("x").error.kind == "EngineStopped"


def test_an_engine_of_another_version_is_ended_and_said_so(start_engine, is_gone):
    engine = start_engine(peer("if method == 'hello': hello(request, protocol=2)"))
    error = engine.ask("x").error
    assert error.kind == "OtherVersion"
    assert "set-up" in error.message
    engine.loop.run_until(lambda: is_gone(engine.loop.transports[0].process.pid))


def test_a_cancelled_call_that_ends_by_itself_costs_no_process(start_engine):
    body = """
    if method == "hello":
        hello(request)
    elif method == "cancel":
        say({"id": params["id"], "error": {"code": -32002, "message": "Cancelled.", "data": {"kind": "Cancelled"}}})
    elif method == "echo":
        say({"id": id, "result": params})
    """
    engine = start_engine(peer(body))
    answer = engine.start("x")
    answer.call.cancel(patience=0.2)
    answer.call.cancel(patience=0.0)
    assert answer.call.cancelled
    assert engine.wait(answer).error.kind == "Cancelled"
    answer.call.cancel()
    engine.loop.run_for(0.4)
    assert engine.ask("echo").result == {}
    assert engine.loop.transports[0].ended == []
    assert len(answer.errors) == 1


def test_a_call_that_will_not_end_is_ended_with_its_process(start_engine, is_gone):
    engine = start_engine(peer(POLITE))
    pid = engine.pid() if engine.ask("echo").results else None
    stubborn, other, also_cancelled = engine.start("x"), engine.start("y"), engine.start("z")
    stubborn.call.cancel(patience=0.1)
    also_cancelled.call.cancel(patience=60.0)
    assert engine.wait(stubborn).error.kind == "Cancelled"
    assert also_cancelled.error.kind == "Cancelled"
    assert (other.error.code, other.error.kind) == (Code.engine_stopped, "EngineRestarted")
    assert engine.loop.transports[0].ended == [pid]
    engine.loop.run_until(lambda: is_gone(pid))
    assert engine.ask("echo", n=2).result == {"n": 2}
    assert [len(answer.errors) for answer in (stubborn, other, also_cancelled)] == [1, 1, 1]


def test_a_call_is_cancelled_before_the_process_has_said_anything(start_engine, is_gone):
    engine = start_engine((sys.executable, "-c", "import time; time.sleep(600)"))
    answer = engine.start("x")
    answer.call.cancel(patience=0.05)
    assert engine.wait(answer).error.kind == "Cancelled"
    assert engine.loop.transports[0].ended == [None]
    engine.loop.run_until(lambda: is_gone(engine.loop.transports[0].process.pid))


def test_a_result_that_was_faster_than_the_cancel_is_told(start_engine):
    body = """
    if method == "hello":
        hello(request)
    elif method == "cancel":
        say({"id": params["id"], "result": "saved"})
    """
    engine = start_engine(peer(body))
    answer = engine.start("save_case")
    answer.call.cancel()
    assert engine.wait(answer).result == "saved"
    assert answer.call.cancelled


def test_a_training_gets_time_for_its_checkpoint(start_engine):
    engine = start_engine(peer(POLITE))
    training = engine.start("finetune")
    engine.ask("echo")
    training.call.cancel()
    engine.loop.run_for(2.0)
    assert not training.over
    training_2 = engine.start("predict")
    training_2.call.cancel(patience=0.0)
    assert engine.wait(training).error.kind == "Cancelled"


def test_nothing_is_told_after_closing_and_nobody_is_left(start_engine, is_gone):
    engine = start_engine(peer(POLITE))
    engine.ask("echo")
    answers = [engine.start("echo"), engine.start("x")]
    answers[1].call.cancel(patience=0.01)
    engine.client.close()
    engine.client.close()
    engine.loop.run_until(lambda: is_gone(engine.loop.transports[0].process.pid))
    engine.loop.run_for(0.1)
    # It went by itself.
    assert engine.loop.transports[0].ended == []
    assert not any(answer.over for answer in answers)
    assert not engine.client.running
    assert all(answer.call.done for answer in answers)
    with pytest.raises(RuntimeError, match="closed"):
        engine.start("echo")


def test_closing_ends_a_process_that_does_not_mind_its_stdin(start_engine, is_gone):
    engine = start_engine((sys.executable, "-c", "import time; time.sleep(600)"))
    engine.start("x")
    engine.client.close()
    engine.loop.run_until(lambda: is_gone(engine.loop.transports[0].process.pid))
    assert engine.loop.transports[0].ended == [None]


def test_closing_what_never_started_is_allowed():
    WorkerClient(lambda: pytest.fail("nothing was asked")).close()


def test_closing_in_a_callback_silences_the_others(start_engine):
    engine = start_engine(peer("if method == 'die': os._exit(1)"))
    told = []

    def close(error):
        told.append(error)
        engine.client.close()

    engine.client.request("x", {}, told.append, close)
    engine.client.request("die", {}, told.append, told.append)
    engine.loop.run_until(lambda: told)
    engine.loop.run_for(0.1)
    assert len(told) == 1


def test_a_call_made_in_a_callback_starts_anew(start_engine):
    engine = start_engine(peer(POLITE + "elif method == 'die':\n    os._exit(1)\n"))
    told = []
    engine.client.request(
        "die", {}, told.append, lambda error: engine.client.request("echo", {"n": 1}, told.append, told.append)
    )
    engine.loop.run_until(lambda: told)
    assert told == [{"n": 1}]


def test_a_callback_that_fails_is_heard_of_and_costs_no_other_call_its_answer(start_engine):
    body = """
    if method == "both":
        first = json.dumps({"jsonrpc": "2.0", "id": id, "result": 1})
        second = json.dumps({"jsonrpc": "2.0", "id": id - 1, "result": 2})
        say((first + "\\n" + second + "\\n").encode())
    """
    engine = start_engine(peer(body))
    told = []

    def fail(result):
        raise ZeroDivisionError

    # The first takes the greeting with it, whose id comes between.
    engine.client.request("x", {}, told.append, told.append)
    engine.client.request("y", {}, told.append, told.append)
    engine.client.request("both", {}, fail, told.append)
    with pytest.raises(ZeroDivisionError):
        engine.loop.run_until(lambda: told)
    assert told == [2]


def test_every_call_hears_of_the_end_even_if_one_cannot_bear_it(start_engine):
    engine = start_engine(peer("if method == 'die': os._exit(1)"))
    told = []

    def fail(error):
        raise ZeroDivisionError

    engine.client.request("x", {}, told.append, fail)
    engine.client.request("die", {}, told.append, told.append)
    with pytest.raises(ZeroDivisionError):
        engine.loop.run_until(lambda: False)
    assert [error.kind for error in told] == ["EngineStopped"]


def test_what_cannot_be_said_is_refused_at_once_and_nothing_else_is_harmed(polite):
    with pytest.raises(TypeError):
        polite.start("echo", x=object())
    assert not polite.client.running
    assert polite.ask("echo", n=1).result == {"n": 1}


def test_numbers_that_are_not_finite_are_said_as_null(polite):
    assert polite.ask("echo", x=float("nan")).result == {"x": None}
