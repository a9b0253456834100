"""What the tests of several packages share."""

import contextlib
import json
import locale
import os
import random
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from dualssl.dataset import read_dataset
from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume

NOBODY = 65534


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """A trajectory depends on the number of threads: processes that tests start have one."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def limited_files():
    """No file may grow beyond some bytes inside `with limited_files(bytes)`: to a program as good as a full disk."""
    resource = pytest.importorskip("resource", reason="limits of this kind exist on Unix only")

    @contextlib.contextmanager
    def limit(size):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit


@pytest.fixture
def read_only():
    """A copy of a folder in which nothing may be changed inside `with read_only(folder) as copy`, not even by root."""
    if os.name == "nt":
        pytest.skip("permissions of this kind exist on Unix only")

    # Not below pytest's folder, which only its owner may enter.
    with tempfile.TemporaryDirectory() as place:

        @contextlib.contextmanager
        def forbid(folder):
            copy = Path(shutil.copytree(folder, Path(place) / folder.name))
            everything = [Path(place), copy, *copy.rglob("*")]
            for path in everything:
                path.chmod(0o555 if path.is_dir() else 0o444)
            # Root may write anywhere: for a while this process is nobody.
            am_root = os.geteuid() == 0
            if am_root:
                os.seteuid(NOBODY)
            try:
                yield copy
            finally:
                if am_root:
                    os.seteuid(0)
                for path in everything:
                    path.chmod(0o755)

        yield forbid


def sphere_of(number, spacing=(1.0, 1.0, 1.0)):
    shape = (18, 20, 32)
    random = np.random.default_rng(number)
    indices = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    centre = np.array(shape) / 2 + random.uniform(-2, 2, 3)
    label = np.linalg.norm(indices - centre, axis=-1) < random.uniform(5, 7)
    image = label * 100.0 + random.normal(0, 10, shape)
    grid = Geometry(shape, spacing)
    return Volume(image.astype(np.int16), grid), Volume(label.astype(np.uint8), grid)


@pytest.fixture(scope="session")
def sphere():
    """Gives the sphere of a number, somewhere near the middle of noise: image and label map on one grid."""
    return sphere_of


@pytest.fixture(scope="session")
def write_dataset():
    """Writes a dataset of cases {name: (one volume for each channel, label map or None)} and reads it."""

    def write(folder, cases, structures, title=None, channels=("MRI",)):
        for subfolder in ("images", "labels"):
            (folder / subfolder).mkdir(parents=True)
        for name, (images, label) in cases.items():
            for number, image in enumerate(images):
                file = f"{name}.nrrd" if len(channels) == 1 else f"{name}_{number:04d}.nrrd"
                write_volume(image, folder / "images" / file)
            if label is not None:
                write_volume(label, folder / "labels" / f"{name}.nrrd")
        description = {
            "labels": {name: value for value, name in enumerate(("background", *structures))},
            "channel_names": {str(number): channel for number, channel in enumerate(channels)},
            "file_ending": ".nrrd",
            **({} if title is None else {"name": title}),
        }
        (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
        return read_dataset(folder)

    return write


@pytest.fixture(scope="session")
def write_spheres(write_dataset):
    """Writes a dataset of spheres, all labelled, numbered in the order of their names."""

    def write(folder, names, title="Spheres", spacing=(1.0, 1.0, 1.0)):
        spheres = (sphere_of(number, spacing) for number in range(len(names)))
        cases = {name: ([image], label) for name, (image, label) in zip(names, spheres, strict=True)}
        return write_dataset(folder, cases, ("left atrium",), title)

    return write


@pytest.fixture(scope="session")
def training_config():
    """The settings of a tiny training on spheres; names of settings change them."""
    from dualssl.training.config import TrainingConfig

    def make(labelled, unlabelled, **changes):
        settings = {
            "labelled": labelled,
            "unlabelled": unlabelled,
            "validation": (),
            "preset": "strong",
            "without": (),
            "weights": (),
            "iterations": 3,
            "spacing": (1.0, 1.0, 1.0),
            "patch": (16, 16, 32),
            "batch": 4,
            "width": 2,
            "seed": 1,
            "validate_every": 0,
            "name": "spheres",
        }
        return TrainingConfig(**{**settings, **changes})

    return make


@pytest.fixture(scope="session")
def write_dicom_series():
    """Writes an int16 volume as DICOM slices with shuffled file names; returns the files in order of slices.

    `more` are further tags of every slice, such as the patient's name.
    """

    def write(folder, volume, series_uid="1.2.826.5", seed=1, more=None):
        folder.mkdir(parents=True, exist_ok=True)
        numbers = list(range(volume.array.shape[0]))
        random.Random(seed).shuffle(numbers)
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        files = []
        # ITK's DICOM writer leaves the process in the locale "C", in which the texts of later tests would be ASCII.
        before = locale.setlocale(locale.LC_ALL)
        for k, voxels in enumerate(volume.array):
            files.append(folder / f"{series_uid}-{numbers[k]:03d}.dcm")
            writer.SetFileName(str(files[-1]))
            slice_ = _slice(voxels, volume.geometry, k, numbers[k], series_uid)
            for tag, value in (more or {}).items():
                slice_.SetMetaData(tag, value)
            writer.Execute(slice_)
        locale.setlocale(locale.LC_ALL, before)
        return files

    return write


def _slice(voxels, grid, k, number, series_uid):
    result = sitk.GetImageFromArray(voxels)
    result.SetSpacing((grid.spacing[2], grid.spacing[1]))
    d = np.array(grid.direction)
    position = np.array(grid.origin) + d[:, 2] * grid.spacing[0] * k
    tags = {
        "0008|0060": "CT",
        "0008|0018": f"{series_uid}.{k + 1}",
        "0020|000d": "1.2.826.4",
        "0020|000e": series_uid,
        "0020|0013": str(number),
        "0020|0032": "\\".join(f"{x:.10g}" for x in position),
        "0020|0037": "\\".join(f"{x:.10g}" for x in (*d[:, 0], *d[:, 1])),
        "0018|0088": f"{grid.spacing[0]:.10g}",
        "0028|1052": "0",
        "0028|1053": "1",
    }
    for tag, value in tags.items():
        result.SetMetaData(tag, value)
    return result
