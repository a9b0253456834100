"""Small libraries, volumes that fit them, and ways to harm them."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from dualssl.cases import CaseLibrary, PredictionFiles
from dualssl.cases.check import check_library
from dualssl.geometry import Geometry
from dualssl.labels import Label, LabelTable
from dualssl.volumes.volume import Volume

GRID = Geometry((4, 6, 7), (2.5, 0.75, 0.5), (10.0, -20.0, 30.0), ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, -1.0)))


def noise(number, dtype=np.int16):
    return Volume(np.random.default_rng(number).integers(0, 500, GRID.shape).astype(dtype), GRID)


def ball(number):
    return Volume(np.random.default_rng(1000 + number).integers(0, 3, GRID.shape).astype(np.uint8), GRID)


@pytest.fixture(scope="session")
def grid():
    return GRID


@pytest.fixture(scope="session")
def image():
    """Gives the image of a number."""
    return noise


@pytest.fixture(scope="session")
def label_map():
    """Gives the label map of a number, with the values 0, 1 and 2."""
    return ball


@pytest.fixture(scope="session")
def prediction():
    """Gives the prediction of a number: label map, two maps, scores and features."""

    def give(number, **other):
        random = np.random.default_rng(2000 + number)
        maps = {kind: Volume(random.random(GRID.shape, np.float32), GRID) for kind in ("entropy", "kl")}
        values = {"model_id": "heart-1", "model_sha256": "ab" * 32, "scores": {"entropy": 0.25, "foreground_voxels": 7}}
        return PredictionFiles(**({"labels": ball(number), **maps, **values, "features": (0.1, -2.0)} | other))

    return give


@pytest.fixture(scope="session")
def labels():
    return LabelTable((Label.named("left ventricle", 1), Label.named("myocardium", 2)))


@pytest.fixture
def library(tmp_path, labels):
    """Empty, for cases of one channel."""
    with CaseLibrary.create(tmp_path / "library", labels, ("MRI",)) as made:
        yield made


@pytest.fixture(scope="session")
def filled_folder(tmp_path_factory, labels, image, label_map, prediction):
    """The folder that `filled_library` is a copy of: flushing every file of a new one to the disk takes its time."""
    folder = tmp_path_factory.mktemp("filled") / "library"
    with CaseLibrary.create(folder, labels, ("MRI",)) as library:
        for number, name in enumerate(("waiting", "predicted", "corrected")):
            library.add_case(name, [image(number)], group=f"patient {number}")
        library.add_prediction("predicted", prediction(1))
        library.add_prediction("corrected", prediction(2))
        mask = Volume(label_map(3).array == 1, GRID)
        library.save_correction("corrected", label_map(3), reviewer="Ada", edit_mask=mask, notes="first")
        library.save_correction("corrected", label_map(4), reviewer="Bo")
    return folder


@pytest.fixture
def filled_library(filled_folder, tmp_path):
    """A waiting case, a predicted one, and one with two label versions, the first with an edit mask."""
    with CaseLibrary.open(Path(shutil.copytree(filled_folder, tmp_path / "library"))) as library:
        yield library


@pytest.fixture
def flip_byte():
    """Harms a file in its middle without changing its length."""

    def harm(path):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)

    return harm


@pytest.fixture
def forget():
    """Makes the index of a library forget what a statement says, as if a process had died before it told the index."""

    def run(library, sql):
        with contextlib.closing(sqlite3.connect(library.folder / "library.sqlite")) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            with connection:
                connection.execute(sql)

    return run


@pytest.fixture
def full_for_the_index(filled_library, limited_files):
    """Inside `with full_for_the_index():` files can be written to a filled library, but its index can be told of nothing."""
    # The index's log is longer than the limit already, all other files are shorter.
    log = filled_library.folder / "library.sqlite-wal"
    while log.stat().st_size <= 60_000:
        with filled_library.database.writing():
            filled_library.database.change("INSERT INTO library VALUES ('filler', ?)", ("x" * 20_000,))
            filled_library.database.change("DELETE FROM library WHERE key = 'filler'")
    return lambda: limited_files(60_000)


@pytest.fixture
def write_protected(filled_library, read_only):
    """The folder of a filled library in which nothing may be changed; the process is no administrator meanwhile."""
    filled_library.close()
    with read_only(filled_library.folder) as folder:
        yield folder


@pytest.fixture(scope="session")
def kinds():
    """Gives the kinds of the problems of a report, in its order."""
    return lambda report: [problem.kind.value for problem in report.problems]


@pytest.fixture(scope="session")
def repaired():
    """Repairs the library in a folder and gives the report; what was found must be right after it, and stay so."""

    def repair(folder):
        report = check_library(folder, repair=True)
        assert report.remaining == ()
        assert check_library(folder).problems == ()
        return report

    return repair
