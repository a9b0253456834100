"""What a training step costs beside the networks: loss terms, mixing, optimiser, teacher."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric

from dualssl.benchmarking.figure import Figure, Target
from dualssl.benchmarking.passes import NetworkPass, recorded_passes, repeat_passes
from dualssl.benchmarking.subjects import LEFT_ATRIUM_PATCH, Shape
from dualssl.benchmarking.timing import Ratio, time_in_turns
from dualssl.data.batches import Batch
from dualssl.model.manifest import NetworkSpec
from dualssl.networks.pair import DualNetwork
from dualssl.presets import all_presets
from dualssl.presets.base import Preset
from dualssl.training.devices import describe_device, make_fabric
from dualssl.training.trainer import Trainer

TARGET_PRESET = "paper"
TARGET = Target("at most", 1.25)
CLASSES = 2

_ITERATIONS = 1000


@dataclass(frozen=True)
class TrainingStepSettings:
    """A training step.

    Attributes:
        patch: sides (k, j, i).
        width: base width.
        batch: patches, half of them labelled.
        repeats: measured steps of the preset with a target.
        repeats_of_others: of every other preset.
        presets: names; None takes all.
    """

    patch: Shape = LEFT_ATRIUM_PATCH
    width: int = 16
    batch: int = 2
    repeats: int = 5
    repeats_of_others: int = 2
    presets: tuple[str, ...] | None = None


def training_step(settings: TrainingStepSettings) -> list[Figure]:
    """A step of each preset against the passes it rests on; the preset with a target comes first."""
    presets = all_presets()
    names = settings.presets or tuple(sorted(presets, key=lambda name: (name != TARGET_PRESET, name)))
    fabric = make_fabric("cpu")
    return [_step(presets[name], fabric, settings) for name in names]


def random_batch(preset: Preset, settings: TrainingStepSettings) -> Batch:
    """Noise with a labelled block in its middle; no unlabelled patches where the preset does not use them."""
    generator = torch.Generator().manual_seed(0)
    half = settings.batch // 2
    labels = torch.zeros((half, *settings.patch), dtype=torch.int64)
    labels[(slice(None), *(slice(n // 4, n - n // 4) for n in settings.patch))] = 1
    unlabelled = half if preset.uses_unlabelled else 0
    return Batch(
        labelled=torch.randn((half, 1, *settings.patch), generator=generator),
        labels=labels,
        unlabelled=torch.randn((unlabelled, 1, *settings.patch), generator=generator),
    )


def _step(preset: Preset, fabric: Fabric, settings: TrainingStepSettings) -> Figure:
    torch.manual_seed(0)
    networks = DualNetwork(NetworkSpec(classes=CLASSES, width=settings.width, norm=preset.norm))
    trainer = Trainer(fabric, networks, preset, _ITERATIONS, seed=0)
    # In the middle of a run every ramp is up and every phase that comes first, such as pre-training, is over.
    trainer.state.iteration = _ITERATIONS // 2
    batch = random_batch(preset, settings)
    teacher = trainer.state.teacher
    pairs = [trainer.networks, *([teacher.networks] if teacher is not None else [])]
    with recorded_passes(*pairs) as passes:
        trainer.step(batch)
    own = [main_pass(passes, trainer.networks)]
    calls: dict[str, Callable[[], object]] = {
        "step_s": lambda: trainer.step(batch),
        "bare_passes_s": lambda: repeat_passes(own, fabric),
    }
    if len(passes) > 1:
        calls["bare_with_extra_passes_s"] = lambda: repeat_passes(passes, fabric)
    times = time_in_turns(calls, settings.repeats if preset.name == TARGET_PRESET else settings.repeats_of_others)
    ratio = Ratio.of(times["step_s"], times["bare_passes_s"])
    net = Ratio.of(times["step_s"], times["bare_with_extra_passes_s"]) if len(passes) > 1 else ratio
    return Figure(
        name=f"training_step_{preset.name}",
        description="an optimiser step over the bare forward and backward passes of both networks on the same images",
        value=ratio.median,
        unit="x",
        target=TARGET if preset.name == TARGET_PRESET else None,
        samples=times,
        details={
            "preset": preset.name,
            "width": settings.width,
            "patch_kji": list(settings.patch),
            "images": len(own[0].images),
            "device": describe_device(fabric),
            "ratio": ratio.to_json(),
            # Passes that belong to the method, such as the teacher's, counted as bare passes too.
            "ratio_net_of_extra_passes": net.to_json(),
            "extra_passes": [
                {
                    "networks": "student" if once.networks is trainer.networks else "teacher",
                    "images": len(once.images),
                    "size_kji": list(once.images.shape[2:]),
                    "with_gradient": once.with_gradient,
                }
                for once in passes
                if once is not own[0]
            ],
        },
    )


def main_pass(passes: list[NetworkPass], student: DualNetwork) -> NetworkPass:
    """The student's first pass with gradient: the one on the step's images."""
    return next(once for once in passes if once.networks is student and once.with_gradient)
