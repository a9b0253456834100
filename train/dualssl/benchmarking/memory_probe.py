"""One prediction in a process of its own, its time and its peak of memory: `python -m dualssl.benchmarking.memory_probe`.

A process that has done other things holds memory that was freed and would be used again without being counted. The request
is a JSON object on standard input, the answer one on standard output.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from time import perf_counter

from dualssl.benchmarking.peak_memory import PeakMemory
from dualssl.benchmarking.subjects import Shape, benchmark_manifest, benchmark_pair, random_scan
from dualssl.errors import PredictionError
from dualssl.prediction.predictor import PredictionSettings, Predictor

_WARM_UP: Shape = (32, 32, 32)


@dataclass(frozen=True)
class ProbeRequest:
    """Volume and training patch (k, j, i), base width."""

    shape: Shape
    patch: Shape
    width: int


@dataclass(frozen=True)
class ProbeAnswer:
    """What one prediction took.

    Attributes:
        peak_bytes: resident memory at its highest, above what it was with the networks loaded; the volume counts.
        seconds: of the prediction.
        windows: computed.
        window_voxels: computed in all of them.
        method: how the peak was found.
    """

    peak_bytes: int
    seconds: float
    windows: int
    window_voxels: int
    method: str


def probe(request: ProbeRequest) -> ProbeAnswer:
    """Predict a random volume in this process."""
    manifest = benchmark_manifest(request.width, request.patch)
    predictor = Predictor(benchmark_pair(request.width), manifest, PredictionSettings(device="cpu"))
    gc.collect()
    with PeakMemory() as memory:
        # A small volume first: what libraries do once is no part of the time, but is of the memory.
        predictor.predict([random_scan(_WARM_UP)])
        volume = random_scan(request.shape)
        began = perf_counter()
        result = predictor.predict([volume])
        seconds = perf_counter() - began
    k, j, i = result.window
    return ProbeAnswer(memory.bytes, seconds, result.windows, result.windows * k * j * i, memory.method)


def probe_in_new_process(request: ProbeRequest) -> ProbeAnswer:
    """Predict a random volume in a new process.

    Raises:
        PredictionError: that process failed, for lack of memory for instance.
    """
    finished = subprocess.run(
        [sys.executable, "-m", "dualssl.benchmarking.memory_probe"],
        input=json.dumps(asdict(request)),
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        reason = finished.stderr.strip().splitlines()[-1:] or [f"exit status {finished.returncode}"]
        raise PredictionError(
            f"A prediction in a process of its own failed ({reason[0]}): close other programs if memory ran out, and run the "
            "benchmark again."
        )
    return ProbeAnswer(**json.loads(finished.stdout.splitlines()[-1]))


def _main() -> None:
    data = json.loads(sys.stdin.read())
    answer = probe(ProbeRequest(tuple(data["shape"]), tuple(data["patch"]), data["width"]))
    sys.stdout.write(json.dumps(asdict(answer)) + "\n")


if __name__ == "__main__":
    _main()
