"""Data on their way to JSON and back."""

import json
from dataclasses import dataclass, replace

import pytest

from dualssl.plain_data import StoredSettings, finite_number, plain, text, whole_number


@dataclass(frozen=True)
class Part:
    sides: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Settings(StoredSettings):
    name: str = "a"
    part: Part = Part()
    limits: tuple[tuple[float, ...], ...] = ((0.5,), ())


def test_what_is_written_and_what_is_read_again_are_equal():
    data = {"a": (1, (2.5, "x")), "b": [{"c": ()}], "d": None}
    assert json.loads(json.dumps(plain(data))) == plain(data) == {"a": [1, [2.5, "x"]], "b": [{"c": []}], "d": None}


def test_settings_know_in_what_stored_ones_differ():
    settings = Settings()
    stored = json.loads(json.dumps(settings.to_json()))
    assert stored == {"name": "a", "part": {"sides": [1, 2]}, "limits": [[0.5], []]}
    assert settings.differences(stored) == []
    assert replace(settings, part=Part((1, 3))).differences(stored) == ["part"]
    assert settings.differences({"name": "a"}) == ["part", "limits"]


@pytest.mark.parametrize(("check", "good"), [(text, ["", "a"]), (whole_number, [0, 7]), (finite_number, [0, -1.5])])
def test_a_value_of_the_right_kind_comes_back(check, good):
    assert [check(value) for value in good] == good


@pytest.mark.parametrize(
    ("check", "bad"),
    [
        (text, [None, 1, b"a"]),
        (whole_number, [-1, 1.0, True, "1"]),
        (finite_number, [float("nan"), float("inf"), True, "1", None]),
    ],
)
def test_a_value_of_another_kind_is_refused(check, bad):
    for value in bad:
        with pytest.raises((TypeError, ValueError)):
            check(value)
