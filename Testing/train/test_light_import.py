"""A process that only needs case, model or review data stays light: no torch."""

import subprocess
import sys

import pytest

LIGHT = [
    "dualssl",
    "dualssl.geometry",
    "dualssl.labels",
    "dualssl.dataset",
    "dualssl.files",
    "dualssl.volumes.read",
    "dualssl.volumes.write",
    "dualssl.volumes.preprocess",
    "dualssl.metrics",
    "dualssl.review",
    "dualssl.model.manifest",
    "dualssl.model.integrity",
    "dualssl.model.folder",
    "dualssl.phantoms.dataset",
    "dualssl.cases",
    "dualssl.registry",
    "dualssl.registry.compare",
    "dualssl.worklist",
    "dualssl.finetune.plan",
    "dualssl.locks",
    "dualssl.cli.app",
]
HEAVY = ("torch", "monai", "lightning_fabric")

SCRIPT = f"""
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    heavy = [module for module in {HEAVY!r} if module in sys.modules]
    if heavy:
        sys.exit(name + " imports " + ", ".join(heavy))
"""


def imported(*names):
    return subprocess.run([sys.executable, "-c", SCRIPT, *names], capture_output=True, text=True, check=False)


def test_no_light_package_imports_torch():
    result = imported(*LIGHT)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("module", ["SimpleITK", "scipy", "typer"])
def test_importing_dualssl_imports_next_to_nothing(module):
    result = subprocess.run(
        [sys.executable, "-c", f"import sys, dualssl; sys.exit('{module}' in sys.modules)"], capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr
