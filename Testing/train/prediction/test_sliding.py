from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dualssl.prediction.sliding import Cancelled, stream_windows
from dualssl.prediction.windows import blending_weights, plan_windows

CPU = torch.device("cpu")


class WindowDependentNetworks(nn.Module):
    """What they say of a voxel depends on where in the window it lies, so that blending matters."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(channels + 10 * classes)
        self.weight = nn.Parameter(0.3 * torch.randn(2, classes, channels, 3, 3, 3, generator=generator))

    def forward(self, image):
        ramp = torch.linspace(-1, 1, image.shape[-1])
        outputs = []
        for sign, weight in zip((1, -1), self.weight, strict=True):
            logits = nn.functional.conv3d(image, weight, padding=1)
            logits[:, -1] += sign * ramp
            outputs.append((logits, image))
        return tuple(outputs)


def whole_accumulation(networks, image, plan, classes, temperature, blending):
    """Plain NumPy: probabilities (2, C, k, j, i) summed over the whole volume, divided by the summed weights."""
    profiles = blending_weights(plan, blending)
    total = np.zeros((2, classes, *plan.shape))
    weights = np.zeros(plan.shape)
    for a, k in enumerate(plan.starts[0]):
        for b, j in enumerate(plan.starts[1]):
            for c, i in enumerate(plan.starts[2]):
                weight = profiles[0][a][:, None, None] * profiles[1][b][:, None] * profiles[2][c]
                start = (k, j, i)
                stop = [min(s + n, size) for s, n, size in zip(start, plan.window, plan.shape, strict=True)]
                at = tuple(slice(max(s, 0), e) for s, e in zip(start, stop, strict=True))
                valid = tuple(slice(max(-s, 0), e - s) for s, e in zip(start, stop, strict=True))
                outside = [(v.start, n - v.stop) for v, n in zip(valid, plan.window, strict=True)]
                window = np.pad(image[(slice(None), *at)], [(0, 0), *outside], mode="edge")
                with torch.no_grad():
                    outputs = networks(torch.from_numpy(window)[None])
                for n, (logits, _) in enumerate(outputs):
                    p = (logits[0].double() / temperature).softmax(0).numpy()
                    total[(n, slice(None), *at)] += (p * weight)[(slice(None), *valid)]
                weights[at] += weight[valid]
    return total / weights


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    shape=st.tuples(*[st.integers(3, 45)] * 3),
    window=st.tuples(*[st.sampled_from([16, 32])] * 3),
    overlap=st.sampled_from([0.0, 0.25, 0.6]),
    channels=st.integers(1, 2),
    classes=st.integers(2, 4),
    blending=st.sampled_from(["gaussian", "constant"]),
    batch=st.integers(1, 3),
)
def test_streaming_equals_accumulation_over_the_whole_volume(shape, window, overlap, channels, classes, blending, batch):
    networks = WindowDependentNetworks(channels, classes)
    image = np.random.default_rng(0).standard_normal((channels, *shape)).astype(np.float32)
    plan = plan_windows(shape, window, overlap)
    expected = whole_accumulation(networks, image, plan, classes, 1.7, blending)
    got = stream_windows(
        networks,
        image,
        plan,
        classes=classes,
        device=CPU,
        dtype=torch.float32,
        temperature=1.7,
        blending=blending,
        batch=batch,
        keep_probability=True,
    )
    a, b = expected
    mean = (a + b) / 2
    np.testing.assert_allclose(got.entropy, -(mean * np.log(mean)).sum(0) / np.log(classes), atol=1e-5)
    np.testing.assert_allclose(got.kl, ((a - b) * (np.log(a) - np.log(b))).sum(0) / 2, rtol=1e-3, atol=1e-5)
    assert got.probability is not None
    for c in range(classes):
        np.testing.assert_allclose(got.probability.mean(c), mean[c], atol=2e-3)
        np.testing.assert_allclose(got.probability.of_network(1, c), b[c], atol=2e-3)
    for label, probability in ((got.label, mean), (got.label_a, a), (got.label_b, b)):
        clear = np.diff(np.sort(probability, axis=0)[-2:], axis=0)[0] > 1e-5
        np.testing.assert_array_equal(label[clear], probability.argmax(0)[clear])


def test_bounds_of_both_divergences_hold_at_contradictions(threshold_networks, random_image):
    image = random_image((1, 20, 20, 20))
    plan = plan_windows((20, 20, 20), (16, 16, 16))
    got = stream_windows(threshold_networks((0.2,), (0.8,)), image, plan, classes=2, device=CPU, dtype=torch.float32)
    torn = (image[0] > 0.21) & (image[0] < 0.79)
    assert got.js[torn].min() > 0.99
    assert got.js.max() <= 1.0
    assert got.entropy[torn].min() > 0.99
    assert got.kl[torn].min() > 13
    sure = (image[0] < 0.19) | (image[0] > 0.81)
    assert max(float(m[sure].max()) for m in (got.js, got.entropy, got.kl)) < 1e-3
    np.testing.assert_array_equal(got.label_a, image[0] > 0.2)
    np.testing.assert_array_equal(got.label_b, image[0] > 0.8)


def test_progress_counts_every_window(threshold_networks, random_image):
    seen = []
    plan = plan_windows((40, 20, 20), (16, 16, 16))
    stream_windows(
        threshold_networks((0.5,)),
        random_image((1, 40, 20, 20)),
        plan,
        classes=2,
        device=CPU,
        dtype=torch.float32,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(n, plan.count) for n in range(plan.count + 1)]


def test_a_callback_that_returns_false_stops_at_once(threshold_networks, random_image):
    networks = threshold_networks((0.5,))
    plan = plan_windows((40, 20, 20), (16, 16, 16))
    with pytest.raises(Cancelled):
        stream_windows(
            networks,
            random_image((1, 40, 20, 20)),
            plan,
            classes=2,
            device=CPU,
            dtype=torch.float32,
            progress=lambda done, total: done < 2,
        )
    assert len(networks.seen) == 2


def test_an_image_that_may_not_be_written_to_is_read_only(threshold_networks, random_image, recwarn):
    image = random_image((1, 10, 20, 20))
    image.flags.writeable = False
    plan = plan_windows((10, 20, 20), (16, 16, 16))
    stream_windows(threshold_networks((0.5,)), image, plan, classes=2, device=CPU, dtype=torch.float32)
    assert not recwarn.list


def test_around_a_small_image_its_own_border_goes_on():
    seen = []

    def networks(windows):
        seen.append(windows.clone())
        logits = torch.zeros(len(windows), 2, *windows.shape[2:])
        return (logits, windows), (logits, windows)

    image = np.full((1, 5, 20, 9), 7.0, np.float32)
    image[:, :, :, 0] = 3.0
    stream_windows(networks, image, plan_windows((5, 20, 9), (16, 16, 16)), classes=2, device=CPU, dtype=torch.float32)
    for window in torch.cat(seen):
        assert set(window[..., :5].unique().tolist()) == {3.0}
        assert set(window[..., 5:].unique().tolist()) == {7.0}
