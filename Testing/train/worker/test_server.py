"""Every request gets one reply, whatever a job does."""

import threading

import pytest

from dualssl.errors import ModelError, OutputError, PredictionError, TrainingCancelledError
from dualssl.worker.jobs import METHODS, Method
from dualssl.worker.protocol import Code
from dualssl.worker.task import Stage

PATIENCE = 60.0


def raising(error):
    def run(task, params):
        raise error

    return Method("compute", lambda: run)


def giving(result):
    return Method("compute", lambda: lambda task, params: result)


@pytest.fixture
def gate():
    return threading.Event()


@pytest.fixture
def working():
    return threading.Semaphore(0)


@pytest.fixture
def methods(gate, working):
    """Jobs that hold their lane until the gate opens or they are cancelled."""

    def hold(task, params):
        task.tell("holding", 1, 2)
        working.release()
        while not gate.wait(0.001):
            task.check()
        return params.text("what", "nothing")

    return {"compute": Method("compute", lambda: hold), "file": Method("file", lambda: hold), "quick": giving("quick")}


@pytest.fixture
def server(converse, methods, gate):
    yield converse(methods)
    gate.set()


def test_who_is_there_is_told_also_while_a_job_goes_on(server, working):
    server.send("compute", 1)
    assert working.acquire(timeout=PATIENCE)
    server.send("hello", 2)
    about = server.reply(2)["result"]
    assert about["protocol"] == 1
    assert {"dualssl", "python", "pid", "platform", "log"} <= set(about)


def test_what_goes_on_and_what_waits_is_told(server, working):
    for id_, method in enumerate(("compute", "quick", "file")):
        server.send(method, id_)
    assert working.acquire(timeout=PATIENCE)
    assert working.acquire(timeout=PATIENCE)
    server.send("status", 9)
    status = server.reply(9)["result"]
    assert {(job["id"], job["method"]) for job in status["running"]} == {(0, "compute"), (2, "file")}
    assert status["queued"] == [{"id": 1, "method": "quick"}]


def test_a_correction_is_saved_while_a_training_goes_on(server, working, gate):
    server.send("compute", 1)
    assert working.acquire(timeout=PATIENCE)
    server.send("file", 2, what="saved")
    assert working.acquire(timeout=PATIENCE)
    gate.set()
    first, second = server.reply(1), None
    assert first["result"] == "nothing"
    assert second is None


def test_a_waiting_job_is_cancelled_and_the_others_go_on(server, working, gate):
    server.send("compute", 1)
    assert working.acquire(timeout=PATIENCE)
    server.send("quick", 2)
    server.send("quick", 3)
    server.send("cancel", 4, id=2)
    assert server.reply(2)["error"]["data"]["kind"] == "Cancelled"
    assert server.reply(4)["result"] == {"cancelled": True}
    gate.set()
    assert server.reply(3)["result"] == "quick"


def test_a_job_at_work_is_cancelled_and_the_next_one_begins(server, working):
    server.send("compute", 1)
    server.send("quick", 2)
    assert working.acquire(timeout=PATIENCE)
    server.send("cancel", 3, id=1)
    assert server.reply(3)["result"] == {"cancelled": True}
    assert server.reply(1)["error"]["code"] == Code.cancelled
    assert server.reply(2)["result"] == "quick"
    server.send("cancel", 4, id=1)
    assert server.reply(4)["result"] == {"cancelled": False}


def test_a_job_cancelled_twice_is_over_once(server, working):
    server.send("compute", 1)
    assert working.acquire(timeout=PATIENCE)
    server.send("cancel", None, id=1)
    server.send("cancel", None, id=1)
    assert server.reply(1)["error"]["code"] == Code.cancelled
    server.send("hello", 2)
    # A second reply to the job would come before this one.
    assert server.receive()["id"] == 2


def test_a_cancel_of_nothing_is_a_fault_of_the_client(server):
    server.send("cancel", 1)
    assert server.reply(1)["error"]["code"] == Code.invalid_params
    server.send("cancel", 2, id="never was")
    assert server.reply(2)["result"] == {"cancelled": False}


def test_an_id_can_be_used_again_as_soon_as_it_is_free(server, working, gate):
    server.send("compute", 1)
    assert working.acquire(timeout=PATIENCE)
    server.send("file", 1)
    assert server.reply(1)["error"]["code"] == Code.invalid_request
    server.send("file", 2)
    assert working.acquire(timeout=PATIENCE)
    server.send("quick", 2)
    assert server.reply(2)["error"]["code"] == Code.invalid_request
    gate.set()
    assert server.reply(1)["result"] == "nothing"
    for _ in range(200):
        server.send("quick", 1)
        assert server.reply(1)["result"] == "quick"


def test_a_job_without_an_id_is_refused(server):
    server.send("quick")
    refused = server.receive()
    assert (refused["id"], refused["error"]["code"]) == (None, Code.invalid_request)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"this is no request\n", Code.parse),
        (b'{"jsonrpc": "2.0", "id": 5, "method": "\xff"}\n', Code.parse),
        (b"[1, 2]\n", Code.invalid_request),
        (b'{"jsonrpc": "2.0", "id": 5, "method": "make coffee"}\n', Code.unknown_method),
        (b'{"jsonrpc": "2.0", "id": 5, "method": "quick", "params": "x"}\n', Code.invalid_params),
        (b"x" * (66 << 20) + b"\n", Code.parse),
    ],
)
def test_a_line_that_is_no_request_gets_an_error_and_the_next_one_its_answer(converse, line, code):
    conversation = converse({})
    conversation.send_bytes(line)
    conversation.send("hello", 6)
    assert conversation.receive()["error"]["code"] == code
    assert conversation.receive()["id"] == 6


def test_empty_lines_and_notifications_that_nobody_knows_are_passed_over(converse):
    conversation = converse({})
    conversation.send_bytes(b"\n\r\n   \n")
    conversation.send("$/what")
    conversation.send("hello", 1)
    assert conversation.receive()["id"] == 1


@pytest.mark.parametrize(
    ("error", "code", "kind", "says"),
    [
        (ModelError("There is no model: choose one."), Code.mendable, "ModelError", "There is no model: choose one."),
        (OutputError("The disk is full."), Code.mendable, "OutputError", "The disk is full."),
        (TrainingCancelledError("Training was stopped."), Code.cancelled, "Cancelled", "Training was stopped."),
        (MemoryError(), Code.out_of_memory, "MemoryError", "memory ran out"),
        (ZeroDivisionError("one by none"), Code.internal, "ZeroDivisionError", "one by none"),
        (SystemExit(3), Code.internal, "SystemExit", "engine failed"),
        (KeyboardInterrupt(), Code.internal, "KeyboardInterrupt", "engine failed"),
        (ModuleNotFoundError("No module named 'torch'"), Code.mendable, "ModuleNotFoundError", "run the set-up"),
    ],
)
def test_a_job_that_fails_says_so_and_the_worker_goes_on(converse, error, code, kind, says):
    conversation = converse({"fail": raising(error), "quick": giving(1)})
    conversation.send("fail", 1)
    conversation.send("quick", 2)
    reply = conversation.reply(1)["error"]
    assert (reply["code"], reply["data"]["kind"]) == (code, kind)
    assert says in reply["message"]
    assert ("Traceback" in reply["data"]["detail"]) == (code != Code.cancelled)
    assert conversation.reply(2)["result"] == 1


def test_memory_that_ran_out_below_another_error_is_told_as_such(converse):
    import torch

    def run(task, params):
        try:
            raise torch.OutOfMemoryError("CUDA out of memory")
        except RuntimeError as error:
            raise PredictionError("The GPU is too small: predict on the CPU.") from error

    conversation = converse({"predict": Method("compute", lambda: run)})
    conversation.send("predict", 1)
    error = conversation.reply(1)["error"]
    assert (error["code"], error["message"]) == (Code.out_of_memory, "The GPU is too small: predict on the CPU.")


def test_an_error_that_cannot_say_what_it_is_ends_nothing(converse):
    class SpeechlessError(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    conversation = converse({"fail": raising(SpeechlessError()), "quick": giving(1)})
    conversation.send("fail", 1)
    conversation.send("quick", 2)
    assert conversation.reply(1)["error"]["code"] == Code.internal
    assert conversation.reply(2)["result"] == 1


def test_a_result_without_numbers_where_there_are_none(converse):
    conversation = converse({"score": giving({"dice": float("nan"), "hd95": [float("inf")]}), "odd": giving({1, 2})})
    conversation.send("score", 1)
    assert conversation.reply(1)["result"] == {"dice": None, "hd95": [None]}
    conversation.send("odd", 2)
    assert conversation.reply(2)["error"]["code"] == Code.internal


def test_progress_comes_before_the_result_with_an_estimate(converse):
    def run(task, params):
        stage = Stage(task, "counting")
        for number in range(1, 4):
            stage.tell(number, 3, note=f"number {number}")
        return "over"

    conversation = converse({"count": Method("compute", lambda: run)})
    conversation.send("count", "a")
    told = []
    while "method" in (message := conversation.receive()):
        told.append(message["params"])
    assert message["result"] == "over"
    last = told[-1]
    assert (last["id"], last["stage"], last["done"], last["total"], last["seconds_left"]) == ("a", "counting", 3, 3, 0.0)
    assert "\n".join(progress["note"] for progress in told if progress["note"]) == "number 1\nnumber 2\nnumber 3"


def test_a_cancel_while_a_job_is_being_imported_keeps_it_from_beginning(converse, gate, working):
    begun = []

    def load():
        working.release()
        assert gate.wait(PATIENCE)
        return lambda task, params: begun.append(task.id)

    conversation = converse({"slow": Method("compute", load)})
    conversation.send("slow", 1)
    assert working.acquire(timeout=PATIENCE)
    conversation.send("cancel", 2, id=1)
    assert conversation.reply(2)["result"] == {"cancelled": True}
    gate.set()
    assert conversation.reply(1)["error"]["code"] == Code.cancelled
    assert begun == []


def test_a_client_that_leaves_cancels_what_computes_and_waits_and_lets_a_correction_be_saved(converse, methods, gate, working):
    saved = []

    def save(task, params):
        working.release()
        assert gate.wait(PATIENCE)
        saved.append(task.cancelled())

    conversation = converse(methods | {"save": Method("file", lambda: save)})
    conversation.send("compute", 1)
    conversation.send("quick", 2)
    conversation.send("save", 3)
    for _ in range(2):
        assert working.acquire(timeout=PATIENCE)
    threading.Timer(0.2, gate.set).start()
    conversation.send("shutdown", 4)
    assert conversation.reply(4)["result"] == {}
    replies = {message["id"]: message for message in (conversation.receive() for _ in range(3))}
    assert replies[1]["error"]["code"] == Code.cancelled
    assert replies[2]["error"]["code"] == Code.cancelled
    assert saved == [False]


def test_a_client_that_reads_no_more_is_noticed(converse, methods, working):
    conversation = converse(methods)
    conversation.send("compute", 1)
    assert working.acquire(timeout=PATIENCE)
    conversation.stop_reading()
    conversation.send("hello", 2)
    assert conversation.gone.wait(PATIENCE)
    conversation.server.stop()


def test_every_method_of_the_table_can_be_loaded():
    for name, method in METHODS.items():
        assert method.load().__name__ == name
        assert method.lane in ("compute", "file")
