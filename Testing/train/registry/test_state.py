"""What registry.json says is read strictly, and history and events follow what was done."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualssl.errors import RegistryError
from dualssl.registry.names import free_id, nearest
from dualssl.registry.state import RegistryState, VersionRecord, is_version_id

NOW = "2026-01-31T12:00:00+00:00"


def record(number, parent=None, version=None):
    version = version or f"model-{number}"
    return VersionRecord(version, number, version, "Heart", parent, NOW, {"a": 2, "b": None}, None, "0" * 64, "f" * 64)


def with_versions(count):
    state = RegistryState()
    for number in range(1, count + 1):
        state = state.with_version(record(number, f"model-{number - 1}" if number > 1 else None))
    return state


@given(st.lists(st.tuples(st.sampled_from(["activate", "roll back", "remove"]), st.integers(1, 4)), max_size=12))
def test_whatever_is_done_the_state_can_be_read_again(deeds):
    state = RegistryState()
    for number in range(1, 5):
        state = state.with_version(record(number))
    for deed, number in deeds:
        known = {r.id for r in state.versions}
        version = f"model-{number}"
        if deed == "activate" and version in known and version != state.active_id:
            state = state.with_active(version, NOW, forced=number == 3)
        if deed == "roll back" and len(state.history) > 1:
            state = state.rolled_back(NOW)
        if deed == "remove" and version in known and version != state.active_id:
            active = state.active_id
            state = state.without(version, NOW)
            assert state.active_id == active
    assert RegistryState.from_json(json.loads(json.dumps(state.to_json()))) == state
    assert [r.id for r in state.records() if r.active] == ([state.active_id] if state.active_id else [])
    assert all(one != other for one, other in zip(state.history, state.history[1:], strict=False))


def test_rolling_back_walks_the_history():
    state = with_versions(3)
    for number in (1, 2, 3):
        state = state.with_active(f"model-{number}", NOW, forced=False)
    assert state.rolled_back(NOW).active_id == "model-2"
    assert state.rolled_back(NOW).rolled_back(NOW).active_id == "model-1"


def test_removing_a_version_leaves_no_step_of_rolling_back_without_effect():
    state = with_versions(2).with_version(record(3))
    for number in (1, 2, 3, 2):
        state = state.with_active(f"model-{number}", NOW, forced=False)
    assert state.without("model-3", NOW).history == ("model-1", "model-2")


def test_every_deed_leaves_an_event():
    state = with_versions(2).with_active("model-1", NOW, forced=False).with_active("model-2", NOW, forced=True)
    state = state.rolled_back(NOW).without("model-2", NOW)
    assert [(event.what, event.id) for event in state.events] == [
        ("added", "model-1"),
        ("added", "model-2"),
        ("activated", "model-1"),
        ("activated by force", "model-2"),
        ("rolled back", "model-2"),
        ("removed", "model-2"),
    ]


def test_a_number_is_never_given_twice():
    state = with_versions(2).without("model-2", NOW)
    assert state.next_number == 3


def altered(**fields):
    return lambda data: data.update(fields)


def first_version(**fields):
    return lambda data: data["versions"][0].update(fields)


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (altered(format_version=2), "update dualssl"),
        (altered(format_version="1"), "format_version is '1'"),
        (altered(format_version=0), "format_version is 0"),
        (altered(versions=None), "garbles"),
        (altered(versions=[{}]), "'parent'"),
        (altered(history=["nobody"]), "unknown version nobody"),
        (altered(history=[3]), "3 is no text"),
        (altered(next_number=2), "model-2"),
        (altered(next_number="3"), "no whole number"),
        (altered(events=[{"at": NOW, "what": "sold", "id": "model-1"}]), "sold"),
        (first_version(id="../../etc"), "cannot be an id"),
        (first_version(id="model-2"), "model-2"),
        (first_version(number=2), "model-2"),
        (first_version(parent="model-2"), "unknown parent"),
        (first_version(verdict={"decision": "great"}), "great"),
        (first_version(verdict={}), "decision"),
        (first_version(manifest_sha256="abc"), "SHA-256"),
        (first_version(cases={"a": "2"}), "no whole number"),
        (first_version(cases=["a"]), "garbles"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(harm, named):
    data = with_versions(2).to_json()
    RegistryState.from_json(data)
    harm(data)
    with pytest.raises(RegistryError, match=named):
        RegistryState.from_json(data)


@pytest.mark.parametrize("data", [None, [], 3, "text", {}])
def test_what_is_no_registry_at_all_is_refused(data):
    with pytest.raises(RegistryError, match="format_version"):
        RegistryState.from_json(data)


@pytest.mark.parametrize("text", ["", ".", "..", ".a", "a.", "a/b", "a\\b", "a b", "é", "a\n", "x" * 101])
def test_what_cannot_be_a_folder_everywhere_is_no_id(text):
    assert not is_version_id(text)


@given(st.text(max_size=150), st.integers(0, 3))
def test_any_model_id_gives_a_free_and_safe_id(model_id, taken):
    known = []
    for _ in range(taken + 1):
        version = free_id(model_id, known)
        assert is_version_id(version)
        assert version.casefold() not in [name.casefold() for name in known]
        known.append(version)


@pytest.mark.parametrize(
    ("model_id", "taken", "expected"),
    [
        ("left-atrium-20260131-4f2a91c0", [], "left-atrium-20260131-4f2a91c0"),
        ("left-atrium", ["left-atrium"], "left-atrium-2"),
        ("left-atrium", ["Left-Atrium", "left-atrium-2"], "left-atrium-3"),
        ("../../etc/passwd", [], "etc-passwd"),
        ("CON", [], "model-CON"),
        ("nul.txt", [], "model-nul.txt"),
        ("модель", [], "model"),
    ],
)
def test_an_id_stays_as_it_is_where_it_can(model_id, taken, expected):
    assert free_id(model_id, taken) == expected


def test_the_nearest_ids_are_named():
    known = ["left-atrium-20260131-4f2a91c0", "liver-20260101-00000000"]
    assert "left-atrium-20260131-4f2a91c0" in nearest("left-atrium-20260131-4f2a91c1", known)
    assert "liver-20260101-00000000" in nearest("liver", known)
    assert "left" not in nearest("liver", known)
    assert all(name in nearest("zzz", known) for name in known)
    assert "empty" in nearest("zzz", [])
