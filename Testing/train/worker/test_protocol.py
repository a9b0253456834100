"""Messages survive every way in which bytes may arrive."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualssl.worker.protocol import (
    Code,
    LineBuffer,
    Progress,
    WorkerError,
    decode,
    encode,
    error_message,
    plain,
    request_message,
)

# Any text, and the halves of surrogate pairs by which Python names files of no valid encoding.
escapes = st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=("Cs",))
texts = st.text(st.characters(exclude_categories=("Cs",)) | escapes, max_size=20)
numbers = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
data = st.recursive(scalars, lambda d: st.lists(d, max_size=4) | st.dictionaries(texts, d, max_size=4), max_leaves=8)


def cut(content, places):
    """`content` in pieces."""
    edges = sorted({0, len(content), *(place % (len(content) + 1) for place in places)})
    return [content[a:b] for a, b in itertools.pairwise(edges)]


@given(st.lists(st.binary().map(lambda b: b.replace(b"\n", b""))), st.binary(), st.lists(st.integers(0, 10_000)))
def test_lines_are_the_same_however_the_bytes_are_cut(lines, rest, places):
    lines = [line.removesuffix(b"\r") for line in lines]
    content = b"".join(line + b"\n" for line in lines) + rest.replace(b"\n", b"")
    buffer = LineBuffer()
    assert [line for piece in cut(content, places) for line in buffer.feed(piece)] == lines


@given(st.lists(st.integers(0, 30), min_size=1), st.lists(st.integers(0, 1000)))
def test_a_line_that_is_too_long_costs_none_of_its_neighbours(lengths, places):
    content = b"".join(b"x" * length + b"\n" for length in lengths)
    buffer = LineBuffer(longest=10)
    found = [line for piece in cut(content, places) for line in buffer.feed(piece)]
    assert found == [b"x" * length if length <= 10 else None for length in lengths]


def test_lines_may_end_as_on_windows():
    assert LineBuffer().feed(b"one\r\n\r\ntwo\r") == [b"one", b""]


def test_a_line_that_never_ends_takes_no_memory():
    buffer = LineBuffer(longest=1000)
    for _ in range(1000):
        assert buffer.feed(b"x" * 1000) == []
        assert len(buffer._kept) <= 1000
    assert buffer.feed(b"\nnext\n") == [None, b"next"]


@given(st.dictionaries(texts, data), st.lists(st.integers(0, 10_000)))
def test_what_is_said_is_heard(message, places):
    buffer = LineBuffer()
    (line,) = [line for piece in cut(encode(message), places) for line in buffer.feed(piece)]
    assert decode(line) == message


@given(st.dictionaries(texts, data))
def test_a_message_in_plain_utf_8_is_heard_as_well(message):
    try:
        line = json.dumps(message, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    assert decode(line) == message


def test_a_message_is_one_line_of_ascii():
    line = encode({"text": "é\n\u2028x", "half": "\udcff"})
    assert line.isascii()
    assert line.count(b"\n") == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan"), np.float64("inf")])
def test_numbers_that_are_not_finite_become_null(value):
    assert encode({"a": [value], "b": {"c": (value, 1.5)}}) == b'{"a":[null],"b":{"c":[null,1.5]}}\n'


def test_paths_tuples_and_numbers_of_numpy_become_plain():
    assert plain({"path": Path("/x/é"), "n": np.int64(3), "x": np.float32(0.5), "t": (1, True)}) == {
        "path": "/x/é",
        "n": 3,
        "x": 0.5,
        "t": [1, True],
    }


def test_what_is_no_data_is_refused():
    with pytest.raises(TypeError):
        encode({"a": object()})
    circle = []
    circle.append(circle)
    with pytest.raises(ValueError, match="circle"):
        encode({"a": circle})


@pytest.mark.parametrize("line", [b"", b"{", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": "\xff"}', b"[" * 200_000, b"1" * 5000])
def test_what_is_no_json_is_refused(line):
    with pytest.raises(ValueError):
        decode(line)


@given(
    st.builds(
        Progress,
        st.integers() | texts,
        texts,
        *[st.none() | st.integers()] * 2,
        *[st.none() | st.floats(allow_nan=False, allow_infinity=False)] * 3,
        texts,
    )
)
def test_progress_comes_back(progress):
    assert Progress.from_json(decode(encode(progress.to_json()))) == progress


@pytest.mark.parametrize("garbled", [None, [], {}, {"id": True}, {"id": 1.5}])
def test_progress_of_no_request_is_refused(garbled):
    with pytest.raises(ValueError, match="id"):
        Progress.from_json(garbled)


def test_garbled_figures_of_progress_are_left_out():
    given = {"id": 1, "stage": "x", "done": "two", "total": True, "seconds_left": [], "loss": 10**400, "dice": None}
    assert Progress.from_json(given) == Progress(1, "x")


@given(st.builds(WorkerError, st.integers(), texts, texts, texts))
def test_errors_come_back(error):
    assert WorkerError.from_json(decode(encode(error_message(1, error)))["error"]) == error


@given(data)
def test_any_error_can_be_read(garbled):
    assert isinstance(WorkerError.from_json(garbled), WorkerError)


def test_a_notification_has_no_id():
    assert "id" not in request_message(None, "log", {})
    assert request_message(0, "log", {})["id"] == 0


def test_codes_are_those_of_json_rpc():
    assert (Code.parse, Code.invalid_request, Code.unknown_method) == (-32700, -32600, -32601)
    assert (Code.invalid_params, Code.internal, Code.mendable) == (-32602, -32603, -32001)
