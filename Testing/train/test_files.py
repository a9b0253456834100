"""Small files are whole or not there, and errors say what to do."""

import errno
import hashlib
import os
import sys
from pathlib import Path

import pytest

from dualssl.errors import OutputError
from dualssl.files import atomic_folder, atomic_write, make_folder, sha256_of, write_json

TEXT = "before"


@pytest.fixture
def earlier_result(tmp_path):
    path = tmp_path / "ergebnis é.seg.nrrd"
    path.write_text(TEXT)
    return path


def fail_with(number):
    def failing(*_args, **_keywords):
        raise OSError(number, os.strerror(number))

    return failing


def write_half(block, error):
    with block as temporary:
        (temporary / "new" if temporary.is_dir() else temporary).write_text("half")
        raise error


def only_file(path):
    return [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_finished_block_replaces_the_file_and_leaves_nothing_else(earlier_result):
    with atomic_write(earlier_result) as temporary:
        temporary.write_text("after")
        assert earlier_result.read_text() == TEXT
    assert earlier_result.read_text() == "after"
    assert only_file(earlier_result)


def test_the_temporary_path_is_beside_the_file_and_has_all_its_suffixes(earlier_result):
    with atomic_write(earlier_result) as temporary:
        assert temporary.parent == earlier_result.parent
        assert temporary.name.endswith(".seg.nrrd")
        assert not temporary.exists()
        temporary.write_text("after")


def test_a_failing_block_leaves_the_earlier_file_and_no_other(earlier_result):
    with pytest.raises(RuntimeError, match="writer gave up"):
        write_half(atomic_write(earlier_result), RuntimeError("writer gave up"))
    assert earlier_result.read_text() == TEXT
    assert only_file(earlier_result)


def test_an_interrupted_block_leaves_the_earlier_file_and_no_other(earlier_result):
    with pytest.raises(KeyboardInterrupt):
        write_half(atomic_write(earlier_result), KeyboardInterrupt())
    assert earlier_result.read_text() == TEXT
    assert only_file(earlier_result)


@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (Path, "replace")], ids=["fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full: free some space"),
        (errno.EACCES, "no permission to write there"),
        (errno.EROFS, "no permission to write there"),
        (errno.EIO, "check the disk"),
    ],
)
def test_a_failing_disk_becomes_an_error_that_names_file_cause_and_remedy(
    earlier_result, monkeypatch, owner, call, number, words
):
    monkeypatch.setattr(owner, call, fail_with(number))
    with pytest.raises(OutputError) as caught, atomic_write(earlier_result) as temporary:
        temporary.write_text("after")
    assert str(earlier_result) in str(caught.value)
    assert words in str(caught.value)
    assert earlier_result.read_text() == TEXT
    assert only_file(earlier_result)


def test_a_full_disk_that_a_library_in_rust_reports_is_recognised(earlier_result):
    with pytest.raises(OutputError, match="the disk is full"), atomic_write(earlier_result):
        raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")


def test_a_missing_folder_is_named_as_the_cause(tmp_path):
    with pytest.raises(OutputError, match="its folder does not exist"):
        write_json(tmp_path / "missing" / "a.json", {})


def test_a_file_in_place_of_the_folder_is_named_as_the_cause(earlier_result):
    with pytest.raises(OutputError, match="is a file, not a folder"):
        write_json(earlier_result / "a.json", {})


def test_content_is_on_the_disk_before_the_name_points_to_it(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("fsync"), fsync(handle)))
    monkeypatch.setattr(Path, "replace", lambda *names: (calls.append("replace"), replace(*names)))
    write_json(tmp_path / "a.json", {})
    assert calls == (["fsync", "replace"] if sys.platform == "win32" else ["fsync", "replace", "fsync"])


def test_json_keeps_the_order_of_keys_and_is_indented(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": ["é"]})
    assert (tmp_path / "a.json").read_bytes() == '{\n  "b": 1,\n  "a": [\n    "é"\n  ]\n}\n'.encode()


def test_json_refuses_nan_and_leaves_no_file(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", [float("nan")])
    assert list(tmp_path.iterdir()) == []


def test_sha256_is_that_of_all_bytes(tmp_path):
    content = bytes(range(256)) * 8200  # more than two blocks
    (tmp_path / "a").write_bytes(content)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_files_get_the_permissions_that_others_have(tmp_path):
    (tmp_path / "plain").write_text("")
    write_json(tmp_path / "a.json", {})
    assert (tmp_path / "a.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.fixture(params=["exchanged in one step", "moved aside first"])
def way_of_replacing(request, monkeypatch):
    if request.param == "moved aside first":
        monkeypatch.setattr("dualssl.files._exchange", lambda one, other: False)


@pytest.fixture
def earlier_folder(tmp_path):
    folder = tmp_path / "parent" / "model"
    folder.mkdir(parents=True)
    (folder / "old").write_text(TEXT)
    return folder


@pytest.mark.usefixtures("way_of_replacing")
def test_a_folder_is_replaced_whole_when_asked(earlier_folder):
    with atomic_folder(earlier_folder, replace=True) as temporary:
        (temporary / "new").write_text("after")
        assert (earlier_folder / "old").exists()
    assert [p.name for p in earlier_folder.iterdir()] == ["new"]
    assert only_file(earlier_folder)


@pytest.mark.usefixtures("way_of_replacing")
def test_a_failing_block_leaves_the_earlier_folder_and_no_other(earlier_folder):
    with pytest.raises(RuntimeError, match="writer gave up"):
        write_half(atomic_folder(earlier_folder, replace=True), RuntimeError("writer gave up"))
    assert [p.name for p in earlier_folder.iterdir()] == ["old"]
    assert only_file(earlier_folder)


def test_a_folder_comes_back_when_the_new_one_cannot_take_its_name(earlier_folder, monkeypatch):
    replace = Path.replace
    monkeypatch.setattr("dualssl.files._exchange", lambda one, other: False)

    def second_move_fails(source, target):
        if [p.name for p in source.iterdir()] == ["new"]:
            raise OSError(errno.EACCES, "denied")
        replace(source, target)

    monkeypatch.setattr(Path, "replace", second_move_fails)
    with pytest.raises(OutputError, match="no permission"), atomic_folder(earlier_folder, replace=True) as temporary:
        (temporary / "new").write_text("after")
    assert [p.name for p in earlier_folder.iterdir()] == ["old"]
    assert only_file(earlier_folder)


def test_a_folder_that_exists_is_refused_unless_empty(earlier_folder):
    with pytest.raises(OutputError, match="exists already"), atomic_folder(earlier_folder):
        pass
    (earlier_folder / "old").unlink()
    with atomic_folder(earlier_folder) as temporary:
        (temporary / "new").write_text("after")
    assert [p.name for p in earlier_folder.iterdir()] == ["new"]
    assert only_file(earlier_folder)


def test_only_a_folder_that_must_outlive_a_power_cut_is_waited_for(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(handle), fsync(handle)))
    for name, durable in (("exchange", False), ("library", True)):
        with atomic_folder(tmp_path / name, durable=durable) as temporary:
            (temporary / "sub").mkdir()
            (temporary / "sub" / "new").write_text("after")
        assert (tmp_path / name / "sub" / "new").read_text() == "after"
        assert bool(synced) is durable


def test_a_folder_is_made_with_those_above_it_and_says_whether_it_was_in_use(tmp_path):
    folder = tmp_path / "new" / "er" / "folder"
    assert make_folder(folder) is False
    assert make_folder(folder) is False
    (folder / "thesis.txt").write_text("five years")
    assert make_folder(folder) is True
    with pytest.raises(OutputError, match=r"thesis\.txt could not be written"):
        make_folder(folder / "thesis.txt")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        make_folder(folder / "thesis.txt" / "part")
