"""Real workers: a transport on subprocesses with an event loop of a few lines, small models, and conversations to listen to."""

import heapq
import itertools
import os
import select
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pytest

from dualssl.cases import CaseLibrary
from dualssl.labels import LabelTable
from dualssl.model.folder import save_model
from dualssl.model.integrity import write_checksums
from dualssl.model.layout import MANIFEST
from dualssl.model.manifest import Manifest, NetworkSpec, Normalisation, Postprocessing, Preprocessing
from dualssl.volumes.volume import Volume
from dualssl.worker.arrays import geometry_json, write_volume
from dualssl.worker.client import WorkerClient
from dualssl.worker.protocol import decode, encode, request_message
from dualssl.worker.server import Server
from dualssl.worker.tree import end_tree

WORKER = (sys.executable, "-m", "dualssl.worker")
PATIENCE = 120.0


class Loop:
    """An event loop: select on the streams of processes, and timers."""

    def __init__(self):
        self.transports = []
        self._timers = []
        self._numbers = itertools.count()

    def call_later(self, seconds, function):
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), function))

    def run_until(self, condition, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not come about"
            self.turn()

    def run_for(self, seconds):
        end = time.monotonic() + seconds
        self.run_until(lambda: time.monotonic() >= end)

    def turn(self):
        streams = {transport.stdout: transport for transport in self.transports if transport.stdout is not None}
        ready, _, _ = select.select(list(streams), [], [], 0.02)
        for stream in ready:
            streams[stream].read()
        while self._timers and self._timers[0][0] <= time.monotonic():
            heapq.heappop(self._timers)[2]()


class SubprocessTransport:
    """A process on an event loop."""

    def __init__(self, loop, command, chunk=1 << 16, **options):
        self._loop = loop
        self._command = command
        self._chunk = chunk
        self._options = options
        self.process = None
        self.ended = []
        loop.transports.append(self)

    @property
    def stdout(self):
        return None if self.process is None or self.process.stdout.closed else self.process.stdout

    def start(self, on_bytes, on_exit):
        self._on_bytes, self._on_exit = on_bytes, on_exit
        self.process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, **self._options
        )

    def read(self):
        data = os.read(self.process.stdout.fileno(), self._chunk)
        if data:
            self._on_bytes(data)
            return
        self.process.stdout.close()
        self._on_exit(self.process.wait())

    def write(self, data):
        self.process.stdin.write(data)

    def close_stdin(self):
        self.process.stdin.close()

    def end_tree(self, pid):
        self.ended.append(pid)
        if pid is not None:
            end_tree(pid)
        elif self.process is not None:
            self.process.kill()

    def call_later(self, seconds, function):
        self._loop.call_later(seconds, function)


@dataclass
class Answer:
    """What came of a call."""

    results: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    progress: list = field(default_factory=list)
    call: object = None

    @property
    def over(self):
        return bool(self.results or self.errors)

    @property
    def result(self):
        assert (len(self.results), self.errors) == (1, [])
        return self.results[0]

    @property
    def error(self):
        assert (self.results, len(self.errors)) == ([], 1)
        return self.errors[0]

    def stages(self):
        return [stage for stage, _ in itertools.groupby(progress.stage for progress in self.progress)]


class Engine:
    """A client and what it is told."""

    def __init__(self, command=WORKER, log_file="", **options):
        self.loop = Loop()
        self.log = []
        self.client = WorkerClient(
            lambda: SubprocessTransport(self.loop, command, **options), on_log=self.log.append, log_file=log_file
        )

    def start(self, method, **params):
        answer = Answer()
        answer.call = self.client.request(method, params, answer.results.append, answer.errors.append, answer.progress.append)
        return answer

    def wait(self, answer):
        self.loop.run_until(lambda: answer.over)
        return answer

    def ask(self, method, **params):
        return self.wait(self.start(method, **params))

    def until_stage(self, answer, stage):
        self.loop.run_until(lambda: answer.over or any(p.stage == stage for p in answer.progress))
        assert not answer.over, (answer.results, answer.errors)

    def pid(self):
        if not self.client.running:
            self.start("hello")
        self.loop.run_until(lambda: self.client.pid is not None)
        return self.client.pid

    def close(self):
        self.client.close()
        for transport in self.loop.transports:
            if transport.process is not None:
                self.loop.run_until(lambda t=transport: t.stdout is None)
                transport.process.stdin.close()


@pytest.fixture(scope="session")
def is_gone():
    """Whether a process has ended; what nobody has asked for its exit status yet counts as ended."""

    def gone(pid):
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return gone


@pytest.fixture
def start_engine():
    """Gives an engine of one's own, which is gone after the test."""
    engines = []

    def start(command=WORKER, **options):
        engines.append(Engine(command, **options))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()


@pytest.fixture(scope="session")
def worker_command():
    return WORKER


@pytest.fixture(scope="session")
def engine():
    """A worker for all tests that leave it as it is: torch takes seconds to import."""
    shared = Engine()
    yield shared
    shared.close()


def manifest_of(channels, name="Spheres"):
    return Manifest(
        id=f"spheres-{channels}",
        name=name,
        labels=LabelTable.from_dataset_json({"background": 0, "left atrium": 1}),
        channel_names=("MRI", "T2")[:channels],
        networks=NetworkSpec(in_channels=channels, classes=2, width=2),
        preprocessing=Preprocessing(normalisation=(Normalisation(),) * channels),
        postprocessing=Postprocessing(),
        patch=(16, 16, 32),
        provenance={"dataset": "Spheres", "labelled": ["old_0", "old_1"], "unlabelled": 5, "created": "2026-01-31T10:00:00"},
    )


def saved_model(folder, channels):
    import torch

    from dualssl.networks.pair import DualNetwork

    torch.manual_seed(3)
    manifest = manifest_of(channels)
    save_model(folder, manifest, DualNetwork(manifest.networks))
    return folder


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """Two networks of random weights: unsure everywhere. Only for tests that leave the folder as it is."""
    return saved_model(tmp_path_factory.mktemp("models of é") / "Modell", 1)


@pytest.fixture(scope="session")
def two_channel_model(tmp_path_factory):
    return saved_model(tmp_path_factory.mktemp("models") / "two", 2)


@pytest.fixture
def another_model(model, tmp_path):
    """Gives copies of the model that are models of their own, by the id in their manifest."""

    def make(id_):
        folder = Path(shutil.copytree(model, tmp_path / f"model {id_}"))
        manifest = folder / MANIFEST
        manifest.write_text(manifest.read_text(encoding="utf-8").replace("spheres-1", id_), encoding="utf-8")
        write_checksums(folder)
        return folder

    return make


@pytest.fixture
def handed_over(tmp_path):
    """Writes a volume for the worker and returns its `ArrayFile`."""
    numbers = itertools.count()
    return lambda volume: write_volume(volume, tmp_path / f"hand over é {next(numbers)}.npy")


@pytest.fixture
def image(sphere):
    return sphere(7)[0]


@pytest.fixture
def a_large_image():
    """Predicted window by window, for seconds."""
    from dualssl.geometry import Geometry

    shape = (48, 320, 320)
    return Volume(np.random.default_rng(1).normal(0, 50, shape).astype(np.float32), Geometry(shape))


@pytest.fixture
def prediction(model, handed_over, image, tmp_path):
    """Parameters of `predict` for the image; others can be given."""
    numbers = itertools.count()

    def make(**others):
        output = tmp_path / f"result {next(numbers)}"
        return {"images": [handed_over(image)], "model": str(model), "device": "cpu", "output": str(output)} | others

    return make


@pytest.fixture
def corrected_library(tmp_path, sphere):
    """Two corrected spheres and one that waits; its folder."""
    table = LabelTable.from_dataset_json({"background": 0, "left atrium": 1})
    with CaseLibrary.create(tmp_path / "library", table, ("MRI",)) as library:
        for number in range(3):
            image, label = sphere(number)
            library.add_case(f"case_{number}", [image])
            if number < 2:
                library.save_correction(f"case_{number}", label, reviewer="A. Reader")
    return tmp_path / "library"


@pytest.fixture
def grid_json():
    return geometry_json


class Conversation:
    """A server in this process, spoken to through pipes."""

    def __init__(self, methods):
        self._to_server, self._from_server = os.pipe(), os.pipe()
        self.gone = threading.Event()
        self.server = Server(self._read, self._write, self.gone.set, methods)
        self._threads = [
            threading.Thread(target=work, daemon=True)
            for work in (self._serve, self.server.compute.work, self.server.files.work)
        ]
        self._kept = b""
        for thread in self._threads:
            thread.start()

    def _read(self):
        return os.read(self._to_server[0], 1 << 16)

    def _write(self, data):
        while data:
            data = data[os.write(self._from_server[1], data) :]

    def _serve(self):
        try:
            self.server.serve()
        finally:
            self.server.stop()

    def send(self, method, id_=None, **params):
        self.send_bytes(encode(request_message(id_, method, params)))

    def send_bytes(self, data):
        os.write(self._to_server[1], data)

    def receive(self):
        while b"\n" not in self._kept:
            ready, _, _ = select.select([self._from_server[0]], [], [], PATIENCE)
            assert ready, "the server says nothing"
            self._kept += os.read(self._from_server[0], 1 << 16)
        line, _, self._kept = self._kept.partition(b"\n")
        return decode(line)

    def reply(self, id_):
        """The reply to a request; progress on the way is passed over."""
        while (message := self.receive()).get("id") != id_ or "method" in message:
            pass
        return message

    def stop_reading(self):
        os.close(self._from_server[0])

    def leave(self):
        os.close(self._to_server[1])
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture
def converse():
    """Starts a conversation with a server whose methods are given."""
    begun = []

    def start(methods):
        begun.append(Conversation(methods))
        return begun[-1]

    yield start
    for conversation in begun:
        conversation.leave()
