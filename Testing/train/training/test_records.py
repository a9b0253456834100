"""The record of a run: one line a record, none twice after resuming, none lost to a crash."""

import errno
import json
import os

import pytest

from dualssl.errors import OutputError
from dualssl.training.records import MetricsLog


@pytest.fixture
def log_of_five_steps(tmp_path):
    log = MetricsLog(tmp_path, 0)
    for iteration in range(1, 6):
        log.add(iteration, "train", {"loss": 1.0 / iteration})
    log.add(5, "validation", {"dice": 0.5, "cases": {"a": 0.5}})
    log.close()
    return tmp_path


def iterations(log):
    return [(record["iteration"], record["kind"]) for record in log.records()]


def test_a_record_is_a_line_of_json(log_of_five_steps):
    lines = (log_of_five_steps / "metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == {"iteration": 1, "kind": "train", "loss": 1.0}
    assert json.loads(lines[-1]) == {"iteration": 5, "kind": "validation", "dice": 0.5, "cases": {"a": 0.5}}


def test_a_record_can_be_read_at_once(tmp_path):
    log = MetricsLog(tmp_path, 0)
    log.add(1, "train", {"loss": 2.0})
    assert iterations(log) == [(1, "train")]
    log.close()


def test_resuming_drops_what_came_after_the_checkpoint(log_of_five_steps):
    log = MetricsLog(log_of_five_steps, 3)
    log.add(4, "train", {"loss": 9.0})
    assert iterations(log) == [(1, "train"), (2, "train"), (3, "train"), (4, "train")]
    assert log.records()[-1]["loss"] == 9.0
    log.close()


def test_resuming_at_the_last_record_keeps_all(log_of_five_steps):
    log = MetricsLog(log_of_five_steps, 5)
    assert iterations(log)[-2:] == [(5, "train"), (5, "validation")]
    log.close()


def test_starting_over_keeps_nothing(log_of_five_steps):
    log = MetricsLog(log_of_five_steps, 0)
    assert log.records() == []
    log.close()


@pytest.mark.parametrize("cut", [1, 2, 8, 20])
def test_a_line_cut_short_by_a_crash_is_left_out(log_of_five_steps, cut):
    path = log_of_five_steps / "metrics.jsonl"
    path.write_bytes(path.read_bytes()[: -1 - cut])
    log = MetricsLog(log_of_five_steps, 5)
    log.add(6, "train", {"loss": 0.1})
    assert iterations(log) == [*((n, "train") for n in range(1, 7))]
    log.close()


@pytest.mark.parametrize("damage", ["{}", "[1, 2]", "nonsense", "\ufffd{"])
def test_lines_that_are_no_records_are_left_out(log_of_five_steps, damage):
    path = log_of_five_steps / "metrics.jsonl"
    path.write_text(f"{damage}\n{path.read_text()}")
    log = MetricsLog(log_of_five_steps, 2)
    assert iterations(log) == [(1, "train"), (2, "train")]
    log.close()


def test_a_full_disk_is_told_in_one_sentence(tmp_path):
    class FullFile:
        def write(self, text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        close = flush = lambda self: self.write("")

    log = MetricsLog(tmp_path, 0)
    log._file.close()
    log._file = FullFile()
    with pytest.raises(OutputError, match=r"metrics\.jsonl .* disk is full"):
        log.add(1, "train", {"loss": 1.0})
    log.close()


def test_tensorboard_gets_the_numbers_where_it_is_installed(log_of_five_steps):
    pytest.importorskip("tensorboard")
    assert list((log_of_five_steps / "tensorboard").iterdir())
