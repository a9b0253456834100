"""What of the overlays a parameter node keeps."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from DualSSLSegmentationLib.display.overlays import DEFAULT_OPACITY, DEFAULT_THRESHOLDS, OverlayMode, OverlayState

anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.just(10**400) | st.text(max_size=5),
    lambda inner: st.dictionaries(st.sampled_from(["mode", "opacity", "thresholds", "entropy", "kl"]), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.sampled_from(OverlayMode), st.floats(0, 1), st.floats(0, 20), st.floats(0, 20))
def test_it_comes_back_from_json_as_it_was(mode, opacity, entropy, kl):
    state = OverlayState(mode, opacity, {"entropy": entropy, "kl": kl})
    assert OverlayState.fromJson(json.loads(json.dumps(state.toJson()))) == state


@settings(deadline=None)
@given(anything)
def test_whatever_was_stored_something_usable_is_read(stored):
    state = OverlayState.fromJson(stored)
    assert isinstance(state.mode, OverlayMode)
    assert 0 <= state.opacity <= 1
    assert set(state.thresholds) == {"entropy", "kl"}
    json.dumps(state.toJson(), allow_nan=False)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 10**400, "0.5", True])
def test_a_number_that_is_none_is_as_at_first(number):
    state = OverlayState.fromJson({"mode": "kl", "opacity": number, "thresholds": {"entropy": number, "kl": 0.7}})
    assert state == OverlayState(OverlayMode.kl, DEFAULT_OPACITY, {"entropy": DEFAULT_THRESHOLDS["entropy"], "kl": 0.7})


def test_nothing_stored_is_off():
    assert OverlayState.fromJson(None) == OverlayState(OverlayMode.off, DEFAULT_OPACITY, DEFAULT_THRESHOLDS)


def test_a_threshold_left_out_is_kept(overlays, case):
    overlays.show(case, OverlayMode.entropy, 0.5, {"entropy": 0.33, "kl": 0.44})
    overlays.show(case, OverlayMode.kl, 0.5, {"kl": 0.5})
    assert overlays.state.thresholds == {"entropy": 0.33, "kl": 0.5}
