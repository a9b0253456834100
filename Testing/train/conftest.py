"""What the tests of several packages share."""

import locale
import random

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813


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
