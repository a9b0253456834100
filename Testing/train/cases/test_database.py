"""The index as a file: whose it is, how old it is, and disks that lack what SQLite's log needs."""

import contextlib
import shutil
import sqlite3
import sys

import pytest

from dualssl.cases import CaseLibrary
from dualssl.cases.check import check_library
from dualssl.cases.database import DamagedIndexError, Database, create_database, open_database
from dualssl.cases.schema import APPLICATION_ID, SCHEMA_VERSION, migrate
from dualssl.errors import LibraryError, OutputError


def connected(path):
    return contextlib.closing(sqlite3.connect(path, isolation_level=None))


@pytest.fixture
def index_path(library):
    library.close()
    return library.folder / "library.sqlite"


def test_the_index_is_marked_logged_and_flushed(library):
    settings = ("application_id", "user_version", "journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    found = {name: library.database.rows(f"PRAGMA {name}")[0][0] for name in settings}
    assert found == {
        "application_id": APPLICATION_ID,
        "user_version": SCHEMA_VERSION,
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


def test_a_library_from_a_newer_version_is_refused_and_left_alone(library, index_path):
    with connected(index_path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = index_path.read_bytes()
    for use in (CaseLibrary.open, lambda folder: check_library(folder, repair=True)):
        with pytest.raises(LibraryError, match=r"was made by a newer dualssl \(library version 2, this one reads up to 1\)"):
            use(library.folder)
    assert index_path.read_bytes() == before


def test_a_version_from_which_no_step_leads_on_is_refused(library, index_path):
    with connected(index_path) as connection:
        connection.execute("PRAGMA user_version = 0")
    with pytest.raises(LibraryError, match="library version 0, which this dualssl cannot bring up to date"):
        CaseLibrary.open(library.folder)


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_no_folder_no_library(tmp_path, name):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(LibraryError, match="There is no case library"):
        CaseLibrary.open(tmp_path / name)


def test_a_folder_of_other_things_is_no_library(tmp_path):
    (tmp_path / "thesis.txt").write_text("", encoding="utf-8")
    with pytest.raises(LibraryError, match=r"is no case library, it has no library\.sqlite"):
        CaseLibrary.open(tmp_path)


def test_another_programs_database_is_not_taken_for_an_index(tmp_path):
    with connected(tmp_path / "library.sqlite") as connection:
        connection.execute("CREATE TABLE theirs (a)")
    with pytest.raises(LibraryError, match="is not the index of a case library") as caught:
        CaseLibrary.open(tmp_path)
    assert not isinstance(caught.value, DamagedIndexError)


@pytest.mark.parametrize("harm", ["deleted", "overwritten", "emptied"])
def test_a_damaged_index_says_how_to_mend_it(library, index_path, harm):
    if harm == "deleted":
        index_path.unlink()
    else:
        index_path.write_bytes(b"" if harm == "emptied" else b"no database at all" * 100)
    with pytest.raises(DamagedIndexError, match=r"have the library .* repaired"):
        CaseLibrary.open(library.folder)


def test_an_index_without_labels_is_made_anew(library, index_path):
    with connected(index_path) as connection:
        connection.execute("DELETE FROM library")
    with pytest.raises(DamagedIndexError, match="does not say what labels"):
        CaseLibrary.open(library.folder)
    assert check_library(library.folder, repair=True).remaining == ()
    with CaseLibrary.open(library.folder) as reopened:
        assert reopened.channel_names == ("MRI",)


@pytest.fixture
def older_index(tmp_path):
    """An index of version 0, whose table lacks a column, with a row that is only in its log."""
    path = tmp_path / "library.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("CREATE TABLE cases (name TEXT)")
    connection.execute("INSERT INTO cases VALUES ('a')")
    yield path
    connection.close()


def add_notes(connection):
    connection.execute("ALTER TABLE cases ADD COLUMN notes TEXT NOT NULL DEFAULT 'none'")


def add_marks(connection):
    connection.execute("ALTER TABLE cases ADD COLUMN marks INTEGER NOT NULL DEFAULT 5")


def fail(connection):
    connection.execute("DROP TABLE cases")
    raise sqlite3.OperationalError("no")


def test_an_older_index_is_brought_up_to_date_step_by_step_and_its_copy_kept(older_index):
    with connected(older_index) as connection:
        copy = migrate(connection, older_index, {0: add_notes, 1: add_marks}, newest=2)
        assert connection.execute("SELECT * FROM cases").fetchall() == [("a", "none", 5)]
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    with connected(copy) as old:
        assert old.execute("SELECT * FROM cases").fetchall() == [("a",)]
        assert old.execute("PRAGMA user_version").fetchone() == (0,)
    assert copy.name == "library.version-0.sqlite"
    assert sorted(p.name for p in older_index.parent.iterdir() if "version" in p.name) == [copy.name]


def test_a_step_that_fails_leaves_the_index_as_it_was(older_index):
    with connected(older_index) as connection:
        with pytest.raises(sqlite3.OperationalError, match="no"):
            migrate(connection, older_index, {0: add_notes, 1: fail}, newest=2)
        assert connection.execute("SELECT * FROM cases").fetchall() == [("a",)]
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)


def test_without_its_copy_an_index_is_not_changed(older_index, limited_files):
    with connected(older_index) as connection:
        with limited_files(100), pytest.raises(OutputError, match=r"version-0\.sqlite could not be written"):
            migrate(connection, older_index, {0: add_notes}, newest=1)
        assert connection.execute("SELECT * FROM cases").fetchall() == [("a",)]


def test_an_index_of_this_version_is_not_copied(older_index):
    with connected(older_index) as connection:
        assert migrate(connection, older_index, {}, newest=0) is None
    assert not list(older_index.parent.glob("*version*"))


pytestmark_unix = pytest.mark.skipif(sys.platform == "win32", reason="SQLite's layer without shared memory is for Unix")


@pytestmark_unix
def test_a_new_library_on_a_disk_without_shared_memory_uses_a_rollback_journal(tmp_path, caplog):
    # A real layer of SQLite that, as network file systems, has no memory that processes share.
    create_database(tmp_path / "library.sqlite", {"labels": []}, vfs="unix-dotfile")
    assert "a rollback journal is used" in caplog.text
    with contextlib.closing(open_database(tmp_path / "library.sqlite", vfs="unix-dotfile")) as database:
        assert database.rows("PRAGMA journal_mode") == [("delete",)]


@pytestmark_unix
def test_a_library_that_moved_to_such_a_disk_goes_on_with_a_rollback_journal(filled_library, caplog):
    cases = filled_library.cases()
    filled_library.close()
    database = open_database(filled_library.folder / "library.sqlite", vfs="unix-dotfile")
    assert "a rollback journal is used" in caplog.text
    with CaseLibrary(filled_library.folder, database) as library:
        assert library.cases() == cases
        library.remove_case("waiting")
    with CaseLibrary.open(filled_library.folder) as library:
        assert [case.name for case in library.cases()] == ["corrected", "predicted"]


def test_who_waits_too_long_for_another_writer_is_told_so(library):
    with connected(library.folder / "library.sqlite") as other:
        other.execute("BEGIN IMMEDIATE")
        library.database.rows("PRAGMA busy_timeout = 10")
        with pytest.raises(LibraryError, match="another program kept it busy"), library.database.writing():
            pass
        assert library.cases() == ()


def test_an_exception_undoes_a_transaction(library):
    def change_and_fail():
        with library.database.writing():
            library.database.change("DELETE FROM library")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert library.database.rows("SELECT count(*) FROM library") != [(0,)]


def test_a_library_that_was_copied_without_its_rights_is_still_a_library(filled_library, tmp_path):
    filled_library.close()
    copy = shutil.copytree(filled_library.folder, tmp_path / "copy with # and ? and %20")
    with CaseLibrary.open(copy) as library:
        assert isinstance(library.database, Database)
        assert len(library.cases()) == 3
    assert check_library(copy).problems == ()
