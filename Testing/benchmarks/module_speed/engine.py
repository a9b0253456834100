"""What the engine's own Python does before anything is measured; nothing of it is imported in the application's process."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

# More steps than the module's own test takes: a model that is unsure nearly everywhere would make reviews that no person has.
_PREPARE = """
import sys
from pathlib import Path
from DualSSLSegmentationLib.application import selfTestModel
from dualssl.registry.versions import ModelRegistry
home, model = Path(sys.argv[1]), Path(sys.argv[2])
if not model.is_dir():
    selfTestModel.ITERATIONS = 80
    selfTestModel.train(home / "training")
    model = home / "training" / "run" / "model"
registry = ModelRegistry.create(home / "models")
registry.activate(registry.register(model, without_parent=True).id)
"""
_DESCRIBE = "import json; from dualssl.benchmarking.machine import describe_machine; print(json.dumps(describe_machine()))"


def prepare(python: str, home: Path, model: Path | None = None) -> None:
    """Make a model, or a tiny one that is trained first, the one in use of a person's own folder."""
    _run(python, _PREPARE, str(home), str(model or home / "no model yet"))


def describe_machine(python: str) -> dict[str, Any]:
    """See `dualssl.benchmarking.machine`."""
    machine: dict[str, Any] = json.loads(_run(python, _DESCRIBE))
    return machine


def _run(python: str, script: str, *arguments: str) -> str:
    """What a script writes to its standard output."""
    # An application that brings libraries of its own brings none for other programs.
    environment = {name: value for name, value in os.environ.items() if name not in ("LD_LIBRARY_PATH", "PYTHONHOME")}
    environment["PYTHONPATH"] = os.pathsep.join(str(ROOT / folder) for folder in ("train", "DualSSLSegmentation"))
    command = [python, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=True).stdout
