"""Several processes, and processes killed at any moment: the registry always opens, and nothing half-done is listed."""

import random
import signal
import time

import pytest

from dualssl.errors import RegistryError
from dualssl.registry import ModelRegistry

ACTIVATE_FOREVER = """
import sys
from pathlib import Path
from dualssl.registry import ModelRegistry
registry = ModelRegistry.open(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    for version in ("first", "second"):
        registry.activate(version, force=True)
"""

ADD_AND_REMOVE_FOREVER = """
import sys
from pathlib import Path
from dualssl.registry import ModelRegistry
registry = ModelRegistry.open(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    registry.register(Path(sys.argv[2]))
    registry.remove("second")
"""

ADD_EACH = """
import sys
from pathlib import Path
from dualssl.registry import ModelRegistry
registry = ModelRegistry.open(Path(sys.argv[1]))
for folder in sys.argv[2:]:
    version = registry.register(Path(folder), without_parent=True)
    registry.activate(version.id, force=True)
"""

HOLD_THE_LOCK = """
import sys, time
from pathlib import Path
from dualssl.registry import ModelRegistry
registry = ModelRegistry.open(Path(sys.argv[1]))
with registry._writing():
    print("ready", flush=True)
    time.sleep(600)
"""


def kill_after(process, seconds):
    assert process.stdout.readline().strip() == "ready"
    time.sleep(seconds)
    assert process.poll() is None
    process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait()


def test_killed_while_activating_the_old_or_the_new_version_is_active(full_registry, start_python):
    delays = random.Random(1)
    for _ in range(10):
        kill_after(start_python(ACTIVATE_FOREVER, full_registry.folder), delays.uniform(0.0, 0.06))
        found = ModelRegistry.open(full_registry.folder)
        assert found.active().id in ("first", "second")
        assert [record.id for record in found.list()] == ["first", "second", "third"]
    full_registry.activate("third", force=True)
    leftovers = {path.name for path in full_registry.folder.iterdir()} - {"registry.json", "registry.lock", "models"}
    assert leftovers == set()


def test_killed_while_adding_and_removing_every_listed_version_is_whole(registry, models, start_python):
    registry.register(models / "first")
    delays = random.Random(2)
    for _ in range(10):
        kill_after(start_python(ADD_AND_REMOVE_FOREVER, registry.folder, models / "second"), delays.uniform(0.0, 0.12))
        found = ModelRegistry.open(registry.folder)
        listed = [record.id for record in found.list()]
        assert listed in (["first"], ["first", "second"])
        assert all(found.verify(version) for version in listed)
        if "second" in listed:
            found.remove("second")
    registry.register(models / "second")
    assert {path.name for path in (registry.folder / "models").iterdir()} == {"first", "second"}
    assert list(registry.folder.rglob(".*")) == []


def test_readers_see_the_old_or_the_new_state_while_another_process_writes(full_registry, start_python):
    writer = start_python(ACTIVATE_FOREVER, full_registry.folder)
    assert writer.stdout.readline().strip() == "ready"
    seen = [ModelRegistry.open(full_registry.folder).active().id for _ in range(300)]
    assert set(seen) <= {"first", "second"}
    assert writer.poll() is None


def test_processes_take_turns_and_no_change_is_lost(registry, save_model_as, tmp_path, start_python):
    folders = [save_model_as(tmp_path / f"model-{n}", f"model-{n}") for n in range(6)]
    processes = [start_python(ADD_EACH, registry.folder, *folders[n::3]) for n in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    records = registry.list()
    assert sorted(record.id for record in records) == [f"model-{n}" for n in range(6)]
    assert [record.number for record in records] == [1, 2, 3, 4, 5, 6]
    state = registry.state()
    assert len(state.history) == 6
    assert [event.what.split()[0] for event in state.events].count("activated") == 6
    assert all(registry.verify(record.id) for record in records)


def test_a_registry_in_use_is_said_and_free_again_when_its_process_is_killed(full_registry, start_python):
    holder = start_python(HOLD_THE_LOCK, full_registry.folder)
    assert holder.stdout.readline().strip() == "ready"
    impatient = ModelRegistry.open(full_registry.folder, patience=0.05)
    with pytest.raises(RegistryError, match="Another process is changing"):
        impatient.activate("second")
    assert impatient.active().id == "first"
    holder.kill()
    holder.wait()
    assert impatient.activate("second").active


def test_what_a_killed_process_left_half_written_is_swept_up(full_registry):
    for name in (".0123abcd-registry.json", "models/.0123abcd-fourth"):
        path = full_registry.folder / name
        if name.endswith("json"):
            path.write_text("{")
        else:
            path.mkdir()
            (path / "half").write_text("")
    (full_registry.folder / "models" / ".mine").mkdir()
    (full_registry.folder / ".notes").write_text("mine")
    full_registry.activate("second")
    assert {path.name for path in (full_registry.folder / "models").iterdir()} == {"first", "second", "third", ".mine"}
    assert {p.name for p in full_registry.folder.iterdir()} == {"registry.json", "registry.lock", "models", ".notes"}
