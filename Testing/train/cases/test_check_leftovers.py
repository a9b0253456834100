"""A check clears what killed processes left behind, and makes an index anew that was lost or broken."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from dualssl.cases import CaseLibrary, CaseState, index
from dualssl.cases.check import check_library
from dualssl.cases.notes import labels_note
from dualssl.cases.store import incoming
from dualssl.files import write_json


@pytest.fixture
def folder(filled_library):
    return filled_library.folder


@pytest.fixture
def case(folder):
    """The folder of the case that has everything."""
    return folder / "cases" / "corrected"


LEAVE_BEHIND = """
import os, sys
from pathlib import Path
from dualssl.cases.store import incoming
with incoming(Path(sys.argv[1]), sys.argv[2]) as folder:
    (folder / "labels.nrrd").write_bytes(b"voxels")
    (folder / "correction.json").write_text('{"case": "../predicted"}', encoding="utf-8")
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("kind", ["case", "prediction", "correction"])
def test_what_a_killed_process_left_goes_but_labels_are_kept(folder, kind, kinds, repaired):
    subprocess.run([sys.executable, "-c", LEAVE_BEHIND, str(folder), kind], check=False)
    assert kinds(check_library(folder)) == ["leftover"]
    assert kinds(repaired(folder)) == ["leftover"]
    assert list((folder / "incoming").iterdir()) == []
    kept = [path.read_bytes() for path in folder.glob("recovered/*/labels.nrrd")]
    assert kept == ([b"voxels"] if kind == "correction" else [])


def test_what_has_its_name_but_is_not_in_the_index_yet_is_no_orphan(filled_library, case):
    version = filled_library.label_versions("corrected")[1]
    shutil.copyfile(case / "labels" / "0002.nrrd", case / "labels" / "0003.nrrd")
    file = replace(next(f for f in filled_library.files("corrected") if f.path == "labels/0002.nrrd"), path="labels/0003.nrrd")
    third = replace(version, number=3)
    with ThreadPoolExecutor(1) as thread:
        with filled_library.database.writing():
            index.insert_label_version(filled_library.database, "corrected", third, [file])
            write_json(case / "labels" / "0003.json", labels_note("corrected", third, [file]))
            report = thread.submit(check_library, filled_library.folder)
            # Long enough for the check to see the file and then to wait for the lock.
            time.sleep(0.5)
        assert report.result().problems == ()


def test_an_edit_mask_whose_labels_have_their_name_already_is_kept(folder, repaired):
    theirs = folder / "incoming" / "correction-elsewhere-1-0123abcd"
    theirs.mkdir()
    (theirs / "edits.nrrd").write_bytes(b"mask")
    os.utime(theirs, (1_000_000_000, 1_000_000_000))
    repaired(folder)
    assert [path.read_bytes() for path in folder.glob("recovered/*/edits.nrrd")] == [b"mask"]


def test_a_write_that_goes_on_is_left_alone(folder):
    with incoming(folder, "case") as mine:
        assert check_library(folder, repair=True).problems == ()
        assert mine.is_dir()


def test_a_process_that_only_has_the_number_of_one_that_died_is_not_taken_for_it(folder, kinds):
    with incoming(folder, "case") as mine:
        long_ago = 1_000_000_000
        os.utime(mine, (long_ago, long_ago))
        assert kinds(check_library(folder)) == ["leftover"]


def test_another_machines_write_is_left_alone_for_a_day(folder, kinds, repaired):
    theirs = folder / "incoming" / "case-elsewhere-999999999-0123abcd"
    theirs.mkdir()
    assert check_library(folder, repair=True).problems == ()
    os.utime(theirs, (1_000_000_000, 1_000_000_000))
    assert kinds(repaired(folder)) == ["leftover"]


def test_scraps_of_notes_are_cleared(folder, case, kinds, repaired):
    for path in (folder, case, case / "labels"):
        (path / ".0123abcd-note.json").write_text("{", encoding="utf-8")
    assert kinds(repaired(folder)) == ["leftover"] * 3


def test_files_of_others_are_left_alone(folder, case):
    others = [
        folder / "readme.txt",
        folder / "incoming" / "labels.nrrd",
        case / "remarks.txt",
        case / "labels" / "mine.nrrd",
        folder / "cases" / ".DS_Store",
    ]
    for path in others:
        path.write_text("mine", encoding="utf-8")
    assert check_library(folder, repair=True).problems == ()
    assert all(path.exists() for path in others)


@pytest.mark.parametrize(
    "harm", ["deleted", "emptied", "overwritten", "another program's", "torn", "torn where names are sorted", "contradicting"]
)
def test_a_lost_or_broken_index_is_made_anew_with_all_it_said(filled_library, harm, kinds, repaired):
    filled_library.set_state("waiting", CaseState.excluded)
    names = [case.name for case in filled_library.cases()]

    def everything(library):
        each = [(library.label_versions(name), library.predictions(name), library.files(name)) for name in names]
        return library.cases(), each, [library.geometry(name) for name in names]

    before = everything(filled_library)
    filled_library.close()
    path = filled_library.folder / "library.sqlite"
    if harm == "deleted":
        path.unlink()
    elif harm == "emptied":
        path.write_bytes(b"")
    elif harm == "overwritten":
        path.write_bytes(os.urandom(20_000))
    elif harm == "torn":
        content = bytearray(path.read_bytes())
        content[4096:12288] = bytes(8192)
        path.write_bytes(content)
    elif harm == "torn where names are sorted":
        with contextlib.closing(sqlite3.connect(path)) as index_file:
            (page,) = index_file.execute("SELECT rootpage FROM sqlite_master WHERE name = 'cases_by_name'").fetchone()
            (size,) = index_file.execute("PRAGMA page_size").fetchone()
        content = bytearray(path.read_bytes())
        content[(page - 1) * size : page * size] = bytes(size)
        path.write_bytes(content)
    elif harm == "contradicting":
        with contextlib.closing(sqlite3.connect(path)) as index_file, index_file:
            index_file.execute("INSERT INTO files VALUES (77, 'image_0000.nrrd', '', 1)")
    else:
        path.unlink()
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE theirs (a)")
    assert kinds(check_library(filled_library.folder)) == ["no index"]
    report = repaired(filled_library.folder)
    assert kinds(report) == ["no index", *["orphan"] * 3]
    with CaseLibrary.open(filled_library.folder) as library:
        assert everything(library) == before


def test_a_broken_index_is_kept(filled_library, repaired):
    filled_library.close()
    (filled_library.folder / "library.sqlite").write_bytes(b"broken, but perhaps of use")
    repaired(filled_library.folder)
    (kept,) = filled_library.folder.glob("recovered/index-*/library.sqlite")
    assert kept.read_bytes() == b"broken, but perhaps of use"


def test_without_index_and_description_nothing_is_guessed(filled_library):
    filled_library.close()
    (filled_library.folder / "library.sqlite").write_bytes(b"broken")
    (filled_library.folder / "library.json").unlink()
    (problem,) = check_library(filled_library.folder, repair=True).problems
    assert not problem.repaired
    assert "put back a copy of either" in problem.message
    assert (filled_library.folder / "library.sqlite").read_bytes() == b"broken"
