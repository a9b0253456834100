"""What benchmarks at toy size have in common."""

from __future__ import annotations

import pytest

from dualssl.benchmarking.memory_and_scaling import MemoryAndScalingSettings
from dualssl.benchmarking.prediction_overhead import PredictionOverheadSettings
from dualssl.benchmarking.published_protocol import PublishedProtocolSettings
from dualssl.benchmarking.suite import SuiteSettings
from dualssl.benchmarking.training_step import TrainingStepSettings


@pytest.fixture
def toy_suite():
    """Every benchmark with networks of width 2 on volumes of about 32 voxels a side."""
    patch = (32, 32, 32)
    return SuiteSettings(
        quick=True,
        prediction=PredictionOverheadSettings((36, 36, 36), patch, (2,), repeats=2),
        published=PublishedProtocolSettings((36, 36, 36), patch, 2, repeats=1, windows=2),
        training=TrainingStepSettings((16, 16, 32), 2, 2, repeats=2, repeats_of_others=1, presets=("paper", "strong")),
        memory=MemoryAndScalingSettings((32, 32, 32), patch, (2,), repeats=1),
    )
