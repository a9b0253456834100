"""Small datasets on disk and stores that open them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dualssl.data.batches import BatchSource, Stream
from dualssl.data.store import CaseStore
from dualssl.dataset import Dataset
from dualssl.geometry import Geometry
from dualssl.model.manifest import Normalisation, Preprocessing
from dualssl.presets.base import Augmentation
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume

AS_STORED = Preprocessing(normalisation=(Normalisation("window", 0.0, 1.0),))
"""Intensities of 0..1 stay what they are, so that a test knows every voxel."""

NO_AUGMENTATION = Augmentation()


@dataclass(frozen=True)
class WithEdits(Dataset):
    """A dataset that keeps which voxels a person changed."""

    edits: dict[str, Path]

    def edit_mask_path(self, case):
        return self.edits.get(case)


def _written(edits, folder):
    paths = {}
    for name, mask in edits.items():
        paths[name] = folder / f"{name}.edits.nrrd"
        write_volume(Volume(mask.astype(np.uint8), Geometry(mask.shape)), paths[name])
    return paths


@pytest.fixture
def dataset_of(write_dataset, tmp_path):
    """Writes a dataset of arrays: {case: (image, label map)}; edit masks by case where a test wants them."""

    def make(cases, edits=None):
        volumes = {
            name: ([Volume(image.astype(np.float32), grid)], Volume(label.astype(np.uint8), grid))
            for name, (image, label) in cases.items()
            for grid in [Geometry(image.shape)]
        }
        dataset = write_dataset(tmp_path, volumes, ("blob",))
        return dataset if edits is None else WithEdits(**vars(dataset), edits=_written(edits, tmp_path))

    return make


@pytest.fixture
def images_that_equal_their_labels(dataset_of):
    """Six cases of random 0 and 1, whose label map is the image itself."""

    def case(number):
        voxels = np.random.default_rng(number).random((12, 14, 14)) < 0.4
        return voxels, voxels

    return dataset_of({f"case_{number}": case(number) for number in range(6)})


@pytest.fixture
def batches_of():
    """A source of batches: the first half of the cases is labelled unless told otherwise."""

    def make(
        dataset,
        patch=(8, 8, 8),
        augmentation=NO_AUGMENTATION,
        seed=1,
        rank=0,
        world=1,
        count=2,
        labelled=None,
        unlabelled=None,
        **options,
    ):
        cases = dataset.cases()
        labelled = cases[: len(cases) // 2] if labelled is None else labelled
        unlabelled = cases[len(cases) // 2 :] if unlabelled is None else unlabelled
        store = CaseStore(dataset, AS_STORED, labelled)
        streams = (Stream(labelled, count, "labelled"),), Stream(unlabelled, count if unlabelled else 0, "unlabelled")
        return BatchSource(store, *streams, patch, augmentation, seed, rank, world, **options)

    return make
