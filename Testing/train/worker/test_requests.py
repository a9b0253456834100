"""What a request may hold, and what is said about one that does not."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualssl.worker.protocol import Code, encode, request_message
from dualssl.worker.requests import Params, Request, RequestError, read_request


def test_a_request_is_read():
    line = encode(request_message("7", "predict", {"a": 1}))
    assert read_request(line) == Request("7", "predict", {"a": 1})


def test_parameters_may_be_left_out():
    assert read_request(b'{"jsonrpc": "2.0", "id": 1, "method": "status"}') == Request(1, "status", {})


@pytest.mark.parametrize(
    ("line", "code", "id_"),
    [
        (b"hello", Code.parse, None),
        (b'{"id": "\xff"}', Code.parse, None),
        (b"[]", Code.invalid_request, None),
        (b'{"jsonrpc": "2.0", "id": true, "method": "x"}', Code.invalid_request, None),
        (b'{"jsonrpc": "2.0", "id": 1.5, "method": "x"}', Code.invalid_request, None),
        (b'{"jsonrpc": "2.0", "id": null, "method": "x"}', Code.invalid_request, None),
        (b'{"id": 4, "method": "x"}', Code.invalid_request, 4),
        (b'{"jsonrpc": "2.0", "id": 4}', Code.invalid_request, 4),
        (b'{"jsonrpc": "2.0", "id": 4, "method": "x", "params": [1]}', Code.invalid_params, 4),
    ],
)
def test_what_is_no_request_is_refused_with_its_id_where_it_has_one(line, code, id_):
    with pytest.raises(RequestError) as caught:
        read_request(line)
    assert (caught.value.code, caught.value.id) == (code, id_)


@given(st.binary())
def test_no_bytes_do_harm(line):
    with contextlib.suppress(RequestError):
        read_request(line)


def test_parameters_come_in_their_kinds(tmp_path):
    params = Params(
        {
            "t": "x",
            "f": True,
            "n": 2,
            "w": 3,
            "c": "b",
            "p": str(tmp_path),
            "l": ["a"],
            "v": [1, 2.5],
            "o": {"k": 1},
            "os": [{}],
        }
    )
    assert params.text("t") == "x"
    assert params.flag("f", False) is True
    assert params.number("n", 0.5) == 2.0
    assert params.whole("w", 0) == 3
    assert params.choice("c", ("a", "b")) == "b"
    assert params.path("p") == tmp_path
    assert params.texts("l") == ("a",)
    assert params.numbers("v", 2) == (1.0, 2.5)
    assert params.object("o") == {"k": 1}
    assert params.objects("os") == [{}]
    params.end()


def test_what_is_not_given_or_null_takes_its_default():
    params = Params({"flag": None, "path": None})
    assert params.flag("flag", True) is True
    assert params.optional_path("path") is None
    assert params.text("text", "x") == "x"
    assert params.texts("texts") is None
    assert params.numbers("numbers", 6) is None
    assert params.object("object") is None
    assert params.objects("objects") == []
    params.end()


@pytest.mark.parametrize(
    ("value", "ask"),
    [
        (None, lambda p: p.text("x")),
        (1, lambda p: p.text("x")),
        (1, lambda p: p.flag("x", False)),
        (True, lambda p: p.number("x", 0)),
        ("1", lambda p: p.number("x", 0)),
        (10**400, lambda p: p.number("x", 0)),
        (True, lambda p: p.whole("x", 0)),
        (1.5, lambda p: p.whole("x", 0)),
        ("c", lambda p: p.choice("x", ("a", "b"))),
        ("models/la", lambda p: p.path("x")),
        ("/models\0", lambda p: p.path("x")),
        ("abc", lambda p: p.texts("x")),
        ([1], lambda p: p.texts("x")),
        ([1.0], lambda p: p.numbers("x", 6)),
        ([1, 2, 3, 4, 5, None], lambda p: p.numbers("x", 6)),
        ([1], lambda p: p.objects("x")),
        ([], lambda p: p.object("x")),
        (None, lambda p: p.required_object("x")),
    ],
)
def test_the_wrong_kind_is_refused_by_name(value, ask):
    with pytest.raises(RequestError, match="'x'") as caught:
        ask(Params({"x": value}))
    assert caught.value.code == Code.invalid_params


def test_a_misspelt_name_is_not_taken_for_its_default():
    params = Params({"overlapp": 0.5})
    assert params.number("overlap", 0.25) == 0.25
    with pytest.raises(RequestError, match=r"'overlapp'.*overlap"):
        params.end()


def test_a_path_is_a_path():
    assert isinstance(Params({"x": "/a/b"}).path("x"), Path)
