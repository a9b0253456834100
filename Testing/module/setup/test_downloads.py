"""What was put on the computer is on record, and only that is removed: never a person's own file."""

import json

import pytest

from dualssl.errors import OutputError
from DualSSLSegmentationLib.setup.downloads import RECORD, Downloads, DownloadsError
from DualSSLSegmentationLib.setup.engineSetup import InterpreterState


@pytest.fixture
def home(tmp_path):
    """A person's own folder that does not exist yet."""
    return tmp_path / "home é" / "DualSSLSegmentation"


@pytest.fixture
def downloads(home):
    return Downloads(home)


@pytest.fixture
def a_recorded_sample(home, downloads):
    path = home / "SampleData" / "deeper" / "sample.nrrd"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x" * 1_500_000)
    downloads.addFile(path)
    return path


def state_with(needs=None, **versions):
    return InterpreterState("3.12.0", versions, {name: [] for name in versions} | (needs or {}), {}, ())


def test_without_a_record_there_is_nothing_to_remove(downloads, home):
    removal = downloads.removal(state_with(numpy="2.0"))
    assert removal.empty
    assert "nothing that could be removed" in removal.text()
    assert not home.exists()


def test_a_recorded_file_is_removed_with_its_empty_folders(downloads, home, a_recorded_sample):
    removal = downloads.removal(None)
    assert removal.files == (a_recorded_sample,)
    assert "- sample.nrrd" in removal.text()
    assert "1.5 MB" in removal.text()
    downloads.removeFiles(removal)
    assert [path.name for path in home.iterdir()] == [RECORD]
    assert Downloads(home).removal(None).empty


def test_what_a_person_put_beside_it_stays(downloads, home, a_recorded_sample):
    own = a_recorded_sample.with_name("my own.nrrd")
    own.write_text("mine")
    downloads.removeFiles(downloads.removal(None))
    assert own.read_text() == "mine"
    assert not a_recorded_sample.exists()


def test_a_file_that_a_person_changed_stays(downloads, a_recorded_sample):
    a_recorded_sample.write_text("my corrections")
    removal = downloads.removal(None)
    assert removal.empty
    assert removal.changed == (a_recorded_sample,)
    downloads.removeFiles(removal)
    assert a_recorded_sample.read_text() == "my corrections"


def test_a_file_that_is_gone_already_is_no_trouble(downloads, a_recorded_sample):
    removal = downloads.removal(None)
    a_recorded_sample.unlink()
    downloads.removeFiles(removal)
    assert downloads.removal(None).empty


def test_a_link_that_took_a_files_place_is_left_alone(downloads, a_recorded_sample, tmp_path):
    elsewhere = tmp_path / "elsewhere.nrrd"
    a_recorded_sample.rename(elsewhere)
    a_recorded_sample.symlink_to(elsewhere)
    assert downloads.removal(None).files == ()


def test_a_file_outside_the_persons_folder_is_not_recorded(downloads, home, tmp_path):
    for path in (tmp_path / "other.nrrd", home / ".." / "other.nrrd"):
        with pytest.raises(ValueError):
            downloads.addFile(path)


@pytest.mark.parametrize("name", ["../other.nrrd", "/etc/passwd", "a/../../other.nrrd", "C:\\Windows", "a\\b", ""])
def test_a_record_that_leads_elsewhere_is_refused(downloads, home, name):
    home.mkdir(parents=True)
    (home / RECORD).write_text(json.dumps({"format": 1, "packages": {}, "files": {name: "0" * 64}}))
    with pytest.raises(DownloadsError, match="cannot be read: delete it"):
        downloads.removal(None)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 2, "packages": {}, "files": {}}', '{"format": 1, "packages": [1], "files": {}}']
)
def test_a_damaged_record_says_what_to_do_and_stays_as_it_is(downloads, home, text):
    home.mkdir(parents=True)
    (home / RECORD).write_text(text)
    with pytest.raises(DownloadsError, match="delete it, and remove what is left by hand"):
        downloads.addPackages({"torch": "2.13.0"})
    assert (home / RECORD).read_text() == text


def test_packages_that_were_added_may_be_removed(downloads):
    downloads.addPackages({"torch": "2.13.0", "sympy": "1.14"})
    downloads.addPackages({"monai": "1.6.1"})
    state = state_with(
        {"torch": ["sympy"], "monai": ["torch", "numpy"]}, torch="2.13.0", sympy="1.14", monai="1.6.1", numpy="2.0"
    )
    removal = downloads.removal(state)
    assert removal.packages == {"torch": "2.13.0", "sympy": "1.14", "monai": "1.6.1"}
    assert "- Python package torch 2.13.0" in removal.text()
    downloads.forgetPackages(removal.packages)
    assert downloads.removal(state).empty


def test_what_another_package_needs_by_now_stays_with_all_that_it_needs(downloads):
    downloads.addPackages({"torch": "2.13.0", "sympy": "1.14", "mpmath": "1.3", "monai": "1.6.1"})
    needs = {"torch": ["sympy"], "sympy": ["mpmath"], "monai": ["torch"], "totalsegmentator": ["torch"]}
    state = state_with(needs, torch="2.13.0", sympy="1.14", mpmath="1.3", monai="1.6.1", totalsegmentator="2.4")
    removal = downloads.removal(state)
    assert removal.packages == {"monai": "1.6.1"}
    assert removal.kept == {"torch": "totalsegmentator needs it", "sympy": "torch needs it", "mpmath": "sympy needs it"}
    assert "- Python package torch: totalsegmentator needs it" in removal.text()


def test_a_package_that_was_exchanged_or_removed_since_is_not_ours_any_more(downloads):
    downloads.addPackages({"torch": "2.13.0", "monai": "1.6.1"})
    removal = downloads.removal(state_with(torch="2.14.0"))
    assert removal.packages == {}
    assert removal.kept == {"torch": "another version was installed since"}


def test_packages_that_need_each_other_are_removed_together(downloads):
    downloads.addPackages({"a": "1", "b": "1"})
    assert downloads.removal(state_with({"a": ["b"], "b": ["a"]}, a="1", b="1")).packages == {"a": "1", "b": "1"}


def test_a_folder_that_cannot_be_written_is_named(downloads, home):
    home.parent.mkdir(parents=True)
    home.write_text("a file is in the way")
    with pytest.raises((OutputError, DownloadsError), match="DualSSLSegmentation"):
        downloads.addPackages({"torch": "2"})
