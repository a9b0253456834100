"""The descriptor of a case: what it is made of, and what changes nothing in it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.geometry import Geometry
from dualssl.metrics import foreground_band
from dualssl.prediction.features import case_descriptor, content_box
from dualssl.review import score_case
from dualssl.review.case_scores import BAND_VOXELS
from dualssl.volumes.volume import Volume

SEEDS = st.integers(0, 10_000)
PADS = st.lists(st.integers(0, 9), min_size=6, max_size=6)
SHAPE_PART = slice(6, 13)


def scores_of(case):
    return score_case(case.entropy, case.kl, case.label, case.label_a, case.label_b)


def descriptor(case):
    return case_descriptor(case.volumes, case.prediction, scores_of(case))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(SEEDS, PADS)
def test_background_padding_changes_nothing(predicted_case, seed, pads):
    case = predicted_case(seed)
    padded = case.padded(list(zip(pads[:3], pads[3:], strict=True)))
    assert descriptor(padded) == pytest.approx(descriptor(case), rel=1e-9, abs=1e-9)
    assert scores_of(padded).to_json() == pytest.approx(scores_of(case).to_json())


@settings(deadline=None, max_examples=20, derandomize=True)
@given(SEEDS, PADS, st.integers(-2000, 2000))
def test_the_value_of_the_padding_does_not_matter(predicted_case, seed, pads, value):
    case = predicted_case(seed)
    widths = list(zip(pads[:3], pads[3:], strict=True))
    padded = replace(case.padded(widths), image=np.pad(case.image, widths, constant_values=value))
    assert descriptor(padded) == pytest.approx(descriptor(case), rel=1e-9, abs=1e-9)


def test_padding_is_taken_off_though_the_image_has_a_plane_of_one_value_itself():
    image = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    image[0], image[:, :, -1] = -1000, 7
    nothing = np.zeros(image.shape, bool)
    expected = image[1:, :, :-1]
    for widths in (0, 3):
        padded = np.pad(image, widths)
        box = content_box([padded], np.pad(nothing, widths))
        np.testing.assert_array_equal(padded[box], expected)


def test_planes_with_foreground_or_with_contrast_in_one_channel_are_no_padding():
    flat, foreground = np.zeros((4, 4, 4)), np.zeros((4, 4, 4), bool)
    contrast = flat.copy()
    contrast[1, 1, 1], contrast[2, 2, 2] = 5, 6
    inner = (slice(1, 3),) * 3
    assert content_box([flat, contrast], foreground) == inner
    foreground[0, 1, 1] = True
    assert content_box([flat, contrast], foreground) == (slice(0, 3), *inner[1:])


@settings(deadline=None, max_examples=20, derandomize=True)
@given(SEEDS, st.sampled_from([0.5, 2.0, 16.0]), st.integers(-100, 100))
def test_gain_and_offset_of_the_intensities_do_not_matter(predicted_case, seed, gain, offset):
    case = predicted_case(seed)
    other = replace(case, image=(case.image * gain + offset).astype(np.float64))
    assert descriptor(other) == pytest.approx(descriptor(case), rel=1e-4, abs=1e-5)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(SEEDS, st.permutations(range(3)), st.lists(st.sampled_from([1, -1]), min_size=3, max_size=3))
def test_the_order_of_the_axes_does_not_matter(predicted_case, seed, axes, flips):
    case = predicted_case(seed)
    directions = tuple(slice(None, None, step) for step in flips)
    turned = {
        field: getattr(case, field).transpose(axes)[directions]
        for field in ("image", "label", "label_a", "label_b", "entropy", "kl")
    }
    other = replace(case, **turned, spacing=tuple(case.spacing[axis] for axis in axes))
    assert descriptor(other) == pytest.approx(descriptor(case), rel=1e-6, abs=1e-6)


def solid(predicted_case, semi_axes_mm, spacing):
    """A case whose foreground is a solid ellipsoid of brightness 100 in a background of 0 to 9."""
    shape = tuple(int(2 * a / s) + 14 for a, s in zip(semi_axes_mm, spacing, strict=True))
    positions = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing, strict=True)], indexing="ij")
    label = (sum((x / a) ** 2 for x, a in zip(positions, semi_axes_mm, strict=True)) <= 1).astype(np.uint8)
    image = np.where(label, 100, np.arange(label.size).reshape(shape) % 10)
    maps = np.zeros(shape, np.float32)
    return replace(
        predicted_case(0), image=image, label=label, label_a=label, label_b=label, entropy=maps, kl=maps, spacing=spacing
    )


def test_of_a_solid_ellipsoid_the_size_and_the_axes_are_found(predicted_case):
    found = descriptor(solid(predicted_case, (30.0, 10.0, 20.0), (1.5, 0.5, 1.0)))
    log_ml, long, middle, short, elongation, flatness, fill = found[SHAPE_PART]
    assert math.exp(log_ml) == pytest.approx(4 / 3 * math.pi * 6.0, rel=0.01)
    assert (long, middle, short) == pytest.approx((60, 40, 20), rel=0.01)
    assert (elongation, flatness) == pytest.approx((1.5, 2.0), rel=0.01)
    assert fill == pytest.approx(1.0, rel=0.01)


def test_pieces_far_apart_fill_little_of_their_ellipsoid(predicted_case):
    case = solid(predicted_case, (6.0, 6.0, 6.0), (1.0, 1.0, 1.0))
    apart = {
        f: np.concatenate([getattr(case, f)] * 3, axis=0) for f in ("image", "label", "label_a", "label_b", "entropy", "kl")
    }
    assert descriptor(case)[12] > 0.95
    assert descriptor(replace(case, **apart))[12] < 0.5


def test_a_bright_structure_differs_from_a_dark_one(predicted_case):
    bright = solid(predicted_case, (9.0, 9.0, 9.0), (1.0, 1.0, 1.0))
    dark = replace(bright, image=-bright.image)
    assert descriptor(bright)[1] > 0 > descriptor(dark)[1]
    assert descriptor(bright)[6:] == pytest.approx(descriptor(dark)[6:])


def test_what_the_image_shows_far_from_the_foreground_does_not_matter(predicted_case):
    case = predicted_case(0)
    shape = (24, 24, 24)
    label, maps = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    # Two corners, so that the box around the foreground holds much that is near to neither.
    label[:3, :3, :3], label[-3:, -3:, -3:] = 1, 1
    near = foreground_band(label, BAND_VOXELS)
    random = np.random.default_rng(1)
    one, other = random.integers(0, 100, shape), random.integers(1000, 5000, shape)
    with_label = replace(case, label=label, label_a=label, label_b=label, entropy=maps, kl=maps)
    found = [descriptor(replace(with_label, image=image)) for image in (one, np.where(near, one, other))]
    assert found[0] == found[1]


def test_a_lone_voxel_has_the_size_of_a_voxel(predicted_case):
    case = predicted_case(0)
    label = np.zeros_like(case.label)
    label[3, 4, 5] = 1
    found = descriptor(replace(case, label=label))
    assert np.isfinite(found).all()
    assert math.exp(found[6]) == pytest.approx(math.prod(case.spacing) / 1000)


def test_foreground_that_fills_the_image_has_a_descriptor(predicted_case):
    case = predicted_case(0)
    found = descriptor(replace(case, label=np.ones_like(case.label)))
    assert np.isfinite(found).all()
    assert found[:3] == found[3:6]


def test_every_channel_adds_its_intensities(predicted_case):
    case = predicted_case(0)
    other = Volume(-case.image, case.volumes[0].geometry)
    both = case_descriptor([*case.volumes, other], case.prediction, scores_of(case))
    assert len(both) == len(descriptor(case)) + 6
    assert both[6:12] == case_descriptor([other], case.prediction, scores_of(case))[:6]


def test_where_nothing_was_segmented_there_is_nothing_to_describe(predicted_case):
    case = predicted_case(0)
    nothing = np.zeros_like(case.label)
    assert descriptor(replace(case, label=nothing, label_a=nothing, label_b=nothing)) == ()


def test_an_image_of_another_shape_is_refused(predicted_case):
    case = predicted_case(0)
    part = Volume(case.image[1:], Geometry(case.image[1:].shape))
    with pytest.raises(ValueError, match="images of shapes"):
        case_descriptor([part], case.prediction, scores_of(case))
