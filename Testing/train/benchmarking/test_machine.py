"""The machine is described by what matters for its figures and by nothing that names it."""

from __future__ import annotations

import json
import platform
import socket
from pathlib import Path

import pytest

from dualssl.benchmarking.machine import describe_machine, processor_name


@pytest.fixture
def list_of_two_processors(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(
        "processor\t: 0\nmodel\t\t: 17\nmodel name\t: Sample CPU 9000 @ 2.50GHz\nprocessor\t: 1\nmodel name\t: Other\n"
    )
    return path


def test_the_processor_is_named_as_the_system_lists_it(list_of_two_processors):
    assert processor_name(list_of_two_processors) == "Sample CPU 9000 @ 2.50GHz"


def test_without_a_list_the_architecture_stands_in(tmp_path):
    assert processor_name(tmp_path / "none") in {platform.processor(), platform.machine()}


def test_the_description_has_what_a_reader_needs_and_neither_host_nor_paths():
    machine = describe_machine()
    needed = {"processor", "cores", "threads_used", "memory_gb", "torch", "prediction_precision", "training_precision"}
    assert needed <= machine.keys()
    assert machine["prediction_precision"] in {"float32", "bfloat16"}
    assert machine["memory_gb"] > 0
    text = json.dumps(machine)
    assert str(Path.cwd()) not in text
    assert str(Path.home()) not in text
    for name in {socket.gethostname(), platform.node()} - {""}:
        assert name not in machine.values()
