"""What is measured where no model is given: networks and images without files, whose labels look as a real case's.

Labels matter: to find the largest piece among noise takes many times as long as to find that there is one piece, and a
trained model's labels are no noise. So the image shows a bright ellipsoid, and the networks, which compute everything that
trained ones do, end on a threshold of the smoothed image.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dualssl.geometry import Geometry
from dualssl.labels import Label, LabelTable
from dualssl.model.manifest import Manifest, NetworkSpec, Normalisation, Postprocessing, Preprocessing
from dualssl.networks.blocks import VNetDecoder
from dualssl.networks.pair import DualNetwork
from dualssl.volumes.normalise import normalise
from dualssl.volumes.volume import Volume

Shape = tuple[int, int, int]

LEFT_ATRIUM_SHAPE: Shape = (88, 140, 180)
"""A left-atrium case of usual size, (k, j, i)."""

LEFT_ATRIUM_PATCH: Shape = (80, 112, 112)
"""The published patch for such cases, (k, j, i)."""

_NOISE = 1024
_BRIGHTER = 2000
_SEMI_AXES = 0.25
# In z-scores the ellipsoid is at about 3.2 and the rest at -0.2.
_THRESHOLD = 1.5
_STEEPNESS = 10.0


def benchmark_pair(width: int) -> DualNetwork:
    """A pair for one channel and two classes, random but for the one feature from which both heads read their labels."""
    torch.manual_seed(0)
    pair = DualNetwork(NetworkSpec(width=width)).eval()
    with torch.no_grad():
        _read_from_image(pair.a.stage[0], pair.a.decoder, pair.a.head)
        _read_from_image(pair.b.stem, pair.b.decoder, pair.b.head)
    return pair


def benchmark_manifest(width: int, patch: Shape) -> Manifest:
    """The manifest of `benchmark_pair`: as of a left-atrium model, on each image's own grid."""
    return Manifest(
        id="benchmark",
        name="Benchmark",
        labels=LabelTable((Label.named("left atrium", 1),)),
        channel_names=("MRI",),
        networks=NetworkSpec(width=width),
        preprocessing=Preprocessing(),
        postprocessing=Postprocessing(largest_component=(1,)),
        patch=patch,
    )


def random_scan(shape: Shape) -> Volume:
    """Noise and a brighter ellipsoid, a sixteenth of the volume, as scanners store it: int16, without a larger array."""
    array = np.random.default_rng(0).integers(0, _NOISE, size=shape, dtype=np.int16)
    k, j, i = ((np.arange(n) - (n - 1) / 2) / (_SEMI_AXES * n) for n in shape)
    in_slice = j[:, None] ** 2 + i**2
    for n, distance in enumerate(k):
        array[n][in_slice + distance**2 < 1.0] += np.int16(_BRIGHTER)
    return Volume(array, Geometry(shape))


def random_image(shape: Shape) -> NDArray[np.float32]:
    """The same, normalised to mean 0 and standard deviation 1: (1, k, j, i)."""
    return normalise(random_scan(shape).array, Normalisation("zscore"))[None]


def _read_from_image(first: nn.Module, decoder: VNetDecoder, head: nn.Conv3d) -> None:
    """Threshold in `head` what comes from the image by way of the `first` stage and the finest skip alone."""
    _let_through(_layer(first, 0))
    _let_through(_layer(decoder.stage[-1], 0))
    # Nothing from the coarser resolutions gets into the first feature of the finest.
    for parameter in _layer(decoder.up[-1], 1).parameters():
        parameter[0] = 0.0
    for parameter in head.parameters():
        parameter.zero_()
    head.weight[1, 0] = _STEEPNESS
    if head.bias is not None:
        head.bias[1] = -_STEEPNESS * _THRESHOLD


def _let_through(convolution: nn.Module) -> None:
    """Make the first filter the mean of the first input channel around each voxel."""
    for parameter in convolution.parameters():
        parameter[0] = 0.0
    kernel = cast("nn.Conv3d", convolution).weight[0, 0]
    kernel.fill_(1.0 / kernel.numel())


def _layer(stage: nn.Module, number: int) -> nn.Module:
    return cast("nn.Sequential", stage)[number]
