"""The real volumes beside the checkout, for tests that want them."""

from pathlib import Path

import pytest

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def real_dataset(name):
    folder = REAL_DATA / name
    if not (folder / "dataset.json").is_file():
        pytest.skip(f"the real volumes of {name} are not there: they belong in {folder}")
    return folder


@pytest.fixture(scope="session")
def left_atrium_dataset():
    """Folder of 80 cardiac MR crops with the left atrium as label 1; skips where it is absent."""
    return real_dataset("la2018")


@pytest.fixture(scope="session")
def cardiac_cine_dataset():
    """Folder of 40 cine MR frames, four classes, slices 10 mm apart; skips where it is absent."""
    return real_dataset("acdc")
