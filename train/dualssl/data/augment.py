"""Random, label-preserving changes of a patch: MONAI's transforms, put together as a preset asks."""

from __future__ import annotations

from typing import Any

import numpy as np
from monai.transforms import (
    Compose,
    RandAdjustContrastd,
    RandFlipd,
    RandGaussianNoised,
    RandRotate90d,
    RandScaleIntensityd,
    RandShiftIntensityd,
    Transform,
)
from numpy.typing import NDArray

from dualssl.presets.base import Augmentation


class PatchAugmenter:
    """Applies an `Augmentation` to an image and its voxel maps alike; what it does follows from the seed alone."""

    def __init__(self, augmentation: Augmentation, patch: tuple[int, int, int]) -> None:
        both, image = ["image", "maps"], ["image"]
        transforms: list[Transform] = []
        if augmentation.flip:
            transforms += [RandFlipd(both, prob=0.5, spatial_axis=axis, allow_missing_keys=True) for axis in range(3)]
        if augmentation.rotate and patch[1] == patch[2]:
            transforms.append(RandRotate90d(both, prob=0.75, max_k=3, spatial_axes=(1, 2), allow_missing_keys=True))
        if augmentation.intensity:
            transforms += [
                RandScaleIntensityd(image, factors=0.5, prob=0.5),
                RandShiftIntensityd(image, offsets=0.3, prob=0.5),
                RandAdjustContrastd(image, prob=0.5, gamma=(0.5, 2.0), retain_stats=True),
                RandGaussianNoised(image, prob=0.3, std=0.1),
            ]
        self._transform = Compose(transforms) if transforms else None

    def __call__(
        self, image: NDArray[np.float32], maps: NDArray[np.uint8] | None, seed: int
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8] | None]:
        """Image (channels, k, j, i) and maps of its voxels, such as labels, (maps, k, j, i) or None, changed the same way."""
        if self._transform is None:
            return image, maps
        self._transform.set_random_state(seed)
        data: dict[str, Any] = {"image": image}
        if maps is not None:
            data["maps"] = maps
        result: Any = self._transform(data)
        changed = np.ascontiguousarray(np.asarray(result["image"], dtype=np.float32))
        return changed, None if maps is None else np.ascontiguousarray(np.asarray(result["maps"])).astype(np.uint8)
