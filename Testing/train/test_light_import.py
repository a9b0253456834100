"""A process that only needs case, model or review data, metrics or the worklist stays light."""

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
    "dualssl.worker.protocol",
    "dualssl.worker.client",
    "dualssl.worker.arrays",
    "dualssl.worker.jobs.save_case",
    "dualssl.worker.jobs.models",
    "dualssl.cli.app",
]
TORCH = ("torch", "monai", "lightning_fabric")

SCRIPT = """
import importlib, sys
for name in sys.argv[2:]:
    importlib.import_module(name)
    heavy = [module for module in sys.argv[1].split() if module in sys.modules]
    if heavy:
        sys.exit(name + " imports " + ", ".join(heavy))
"""


@pytest.mark.parametrize(
    ("names", "heavy"),
    [
        pytest.param(LIGHT, TORCH, id="light packages"),
        pytest.param(["dualssl"], ("SimpleITK", "scipy", "typer"), id="the package alone"),
        pytest.param(
            # The module in Slicer imports them when it is opened; what computes there waits until it is asked to.
            ["dualssl.metrics", "dualssl.review", "dualssl.registry.verdict", "dualssl.cases.names"],
            (*TORCH, "SimpleITK", "scipy"),
            id="metrics and review data",
        ),
        # The list is there before a person has noticed.
        pytest.param(["dualssl.worklist", "dualssl.cli.worklist"], (*TORCH, "SimpleITK", "scipy"), id="the worklist"),
        pytest.param(
            # A front end imports the client; a worker answers before it has imported what computes.
            ["dualssl.worker.client", "dualssl.worker.tree", "dualssl.worker.server"],
            (*TORCH, "numpy", "SimpleITK", "scipy", "psutil"),
            id="the worker's client, and the worker before its first job",
        ),
    ],
)
def test_what_needs_little_imports_nothing_heavy(names, heavy):
    command = [sys.executable, "-c", SCRIPT, " ".join(heavy), *names]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
