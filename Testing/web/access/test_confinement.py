"""Which files may be read."""

import os

import pytest

from dualssl.errors import VolumeError
from dualssl_web.access.confinement import confined


@pytest.fixture
def inside(tmp_path):
    folder = tmp_path / "inside"
    (folder / "deep").mkdir(parents=True)
    (folder / "file").touch()
    return folder


def test_what_is_inside_is_named_by_its_real_place(inside, tmp_path):
    assert confined(inside / "file", [tmp_path / "other", inside]) == inside / "file"
    assert confined(inside / "deep" / ".." / "file", [inside]) == inside / "file"
    assert confined(inside, [inside]) == inside


@pytest.mark.parametrize("name", ["../outside", "deep/../../outside", "../inside-not", "/etc/passwd"])
def test_what_is_outside_is_refused(inside, name):
    with pytest.raises(VolumeError, match="outside the folders"):
        confined(inside / name, [inside])


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_counts_as_what_it_leads_to(inside, tmp_path):
    (tmp_path / "outside").touch()
    (inside / "out").symlink_to(tmp_path / "outside")
    (inside / "round").symlink_to(inside / "round")
    (tmp_path / "in").symlink_to(inside / "file")
    for link in ("out", "round"):
        with pytest.raises(VolumeError, match="outside"):
            confined(inside / link, [inside])
    assert confined(tmp_path / "in", [inside]) == inside / "file"


def test_without_folders_nothing_may_be_read(inside):
    with pytest.raises(VolumeError, match="outside"):
        confined(inside / "file", [])
