"""No registry, a newer one, a damaged one, a read-only or full disk: a clear sentence, and nothing is lost."""

import errno
import os

import pytest

from dualssl.errors import ModelError, OutputError, RegistryError
from dualssl.files import atomic_write
from dualssl.registry import ModelRegistry


def refusal(folder):
    with pytest.raises(RegistryError) as caught:
        ModelRegistry.open(folder)
    return str(caught.value)


def test_a_folder_that_is_no_registry_is_refused(tmp_path, models, registry):
    assert f"There is no registry {tmp_path / 'nowhere'}" in refusal(tmp_path / "nowhere")
    assert f"{models / 'first'} is no registry, for it lacks registry.json" in refusal(models / "first")
    (tmp_path / "file").write_text("")
    assert f"There is no registry {tmp_path / 'file'}" in refusal(tmp_path / "file")
    (registry.folder / "registry.json").unlink()
    (registry.folder / "registry.json").mkdir()
    assert "is no registry" in refusal(registry.folder)


def test_no_lock_is_left_in_a_folder_that_is_no_registry(tmp_path, models):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RegistryError, match="is no registry"):
        ModelRegistry(tmp_path / "empty").register(models / "first")
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_registry_of_a_newer_version_is_left_alone(full_registry, models):
    path = full_registry.folder / "registry.json"
    text = path.read_text(encoding="utf-8").replace('"format_version": 1', '"format_version": 2', 1)
    path.write_text(text, encoding="utf-8")
    message = refusal(full_registry.folder)
    assert str(path) in message
    assert "format 2" in message
    assert "update dualssl" in message
    for change in (full_registry.rollback, lambda: full_registry.activate("second"), lambda: full_registry.remove("third")):
        with pytest.raises(RegistryError, match="update dualssl"):
            change()
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"format_version": 1}', b"null"])
def test_a_damaged_registry_is_refused_and_stays_as_it_is(full_registry, content):
    path = full_registry.folder / "registry.json"
    path.write_bytes(content)
    assert str(path) in refusal(full_registry.folder)
    with pytest.raises(RegistryError, match="registry"):
        full_registry.activate("second")
    assert path.read_bytes() == content


def test_a_read_only_registry_can_be_read_but_not_changed(full_registry, read_only, models, files_of):
    before = files_of(full_registry.folder)
    with read_only(full_registry.folder) as folder:
        registry = ModelRegistry.open(folder)
        assert [record.id for record in registry.list()] == ["first", "second", "third"]
        assert registry.active().id == "first"
        assert registry.verify("second").manifest.id == "second"
        for change in (registry.rollback, lambda: registry.activate("second"), lambda: registry.remove("third")):
            with pytest.raises(OutputError, match="no permission to write there"):
                change()
    assert files_of(folder) == before


def test_a_registry_cannot_be_made_where_writing_is_forbidden(tmp_path, read_only):
    (tmp_path / "closed").mkdir()
    with read_only(tmp_path / "closed") as folder, pytest.raises(OutputError, match="no permission to write there"):
        ModelRegistry.create(folder / "registry")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("size", [0, 300, 3000])
def test_a_disk_that_fills_up_while_a_model_is_added_leaves_the_registry_as_it_was(
    full_registry, save_model_as, limited_files, tmp_path, files_of, size
):
    model = save_model_as(tmp_path / "fourth", "fourth", "third")
    before = files_of(full_registry.folder)
    with limited_files(size), pytest.raises(OutputError, match="too large for the disk"):
        full_registry.register(model)
    assert files_of(full_registry.folder) == before
    assert full_registry.register(model).id == "fourth"


def no_space(*_args, **_keywords):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_fills_up_when_the_model_is_there_takes_it_away_again(
    full_registry, save_model_as, tmp_path, files_of, monkeypatch
):
    model = save_model_as(tmp_path / "fourth", "fourth", "third")
    before = files_of(full_registry.folder)
    with monkeypatch.context() as patch:
        patch.setattr("dualssl.registry.versions.write_json", lambda path, data: no_space_for(path))
        with pytest.raises(OutputError, match=r"registry\.json could not be written because the disk is full"):
            full_registry.register(model)
    assert files_of(full_registry.folder) == before


def no_space_for(path):
    with atomic_write(path):
        no_space()


@pytest.mark.parametrize("change", ["activate", "rollback", "remove"])
def test_a_full_disk_changes_nothing(full_registry, limited_files, files_of, change):
    full_registry.activate("second")
    before = files_of(full_registry.folder)
    calls = {
        "activate": lambda: full_registry.activate("third", force=True),
        "rollback": full_registry.rollback,
        "remove": lambda: full_registry.remove("third"),
    }
    with limited_files(100), pytest.raises(OutputError, match="too large for the disk"):
        calls[change]()
    assert files_of(full_registry.folder) == before
    assert full_registry.active().id == "second"


def test_a_model_that_cannot_be_moved_to_the_trash_stays_listed(full_registry, monkeypatch, files_of):
    before = {name: text for name, text in files_of(full_registry.folder).items() if name != "registry.lock"}
    replace = type(full_registry.folder).replace

    def refuses_models(source, target):
        if source.name == "third":
            raise PermissionError(errno.EACCES, "denied")
        return replace(source, target)

    monkeypatch.setattr(type(full_registry.folder), "replace", refuses_models)
    with pytest.raises(OutputError, match="no permission"):
        full_registry.remove("third")
    after = {name: text for name, text in files_of(full_registry.folder).items() if name != "registry.lock"}
    assert after == before
    assert full_registry.verify("third")


def test_a_model_that_moved_to_the_trash_before_the_disk_failed_is_not_listed(full_registry, monkeypatch):
    monkeypatch.setattr("dualssl.registry.store.sync_folder", no_space)
    with pytest.raises(OutputError, match="the disk is full"):
        full_registry.remove("third")
    assert [record.id for record in full_registry.list()] == ["first", "second"]
    assert (full_registry.folder / "trash" / "third" / "model" / "checksums.json").is_file()


def test_a_copy_that_differs_from_the_model_is_not_listed(full_registry, save_model_as, tmp_path, monkeypatch):
    model = save_model_as(tmp_path / "fourth", "fourth", "third")

    def spoiled(source, target, length=0):
        content = bytearray(source.read())
        content[-1] ^= 1
        target.write(content)

    monkeypatch.setattr("dualssl.registry.store.shutil.copyfileobj", spoiled)
    with pytest.raises(RegistryError, match="could not be copied intact"):
        full_registry.register(model)
    assert len(full_registry.list()) == 3
    assert not (full_registry.folder / "models" / "fourth").exists()


def test_a_model_file_that_vanishes_while_it_is_copied_is_named(full_registry, save_model_as, tmp_path, monkeypatch):
    model = save_model_as(tmp_path / "fourth", "fourth", "third")
    monkeypatch.setattr("dualssl.registry.versions.free_id", lambda *_: (model / "LICENSE").unlink() or "fourth")
    with pytest.raises(ModelError, match=r"LICENSE cannot be read"):
        full_registry.register(model)
    assert not (full_registry.folder / "models" / "fourth").exists()
