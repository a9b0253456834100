"""Records, and the stopwatch of a round that is stopped."""

import json

import pytest

from dualssl.errors import TrainingError
from dualssl.learning_loop.records import Results, Stopwatch


def test_records_come_back_in_order_one_a_line(record, frozen, tmp_path):
    results = Results(tmp_path / "results.jsonl")
    assert results.records() == ()
    added = (frozen, record(), record(order="random"), record(kind="scratch", dice=0.7))
    for one in added:
        results.add(one)
    assert results.records() == added
    lines = results.path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["frozen", "finetune", "finetune", "scratch"]
    assert results.find("scratch", "ranked", 1) == added[3]
    assert results.find("scratch", "random", 1) is None


def test_a_record_that_is_no_number_is_not_written(record, tmp_path):
    results = Results(tmp_path / "results.jsonl")
    results.add(record())
    with pytest.raises(ValueError, match="not JSON compliant"):
        results.add(record(dice=float("nan"), cases=2))
    assert results.records() == (record(),)


@pytest.mark.parametrize("text", ["{", "[]", '{"kind": "guess"}', '{"kind": "finetune"}'])
def test_damaged_results_are_named(tmp_path, text):
    path = tmp_path / "results.jsonl"
    path.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"results\.jsonl is damaged"):
        Results(path).records()


def test_a_stopwatch_goes_on_after_a_stop(tmp_path):
    path = tmp_path / "seconds.json"
    watch = Stopwatch(path)
    with pytest.raises(KeyboardInterrupt), watch.running("training"):
        raise KeyboardInterrupt
    stopped = watch.seconds("training")
    again = Stopwatch(path)
    with again.running("training"):
        pass
    with again.running("scores"):
        pass
    assert again.seconds("training") > stopped > 0.0
    assert again.total() == pytest.approx(again.seconds("training") + again.seconds("scores"))
    assert again.total("training") == again.seconds("scores")
