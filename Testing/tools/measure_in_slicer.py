"""Measure how fast the Slicer module is in the application itself. To be run by Slicer:

    MODULE_SPEED_PYTHON=PROGRAM Slicer --testing --no-splash --ignore-slicerrc \
        --additional-module-paths DualSSLSegmentation --python-script Testing/tools/measure_in_slicer.py

`MODULE_SPEED_PYTHON` is a Python that has the engine. `MODULE_SPEED_OUTPUT` is where the record goes, by default
`benchmarks/module_slicer.json`. `MODULE_SPEED_REPEATS` says how often what takes milliseconds is repeated, and
`MODULE_SPEED_JOURNEYS` how often the whole way is gone. `MODULE_SPEED_MODEL` is a model to segment with; else a tiny one is
trained first.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from datetime import datetime, timezone
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import qt
import slicer
import vtk

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Testing" / "benchmarks"))

PYTHON = os.environ.get("MODULE_SPEED_PYTHON", sys.executable)
OUTPUT = Path(os.environ.get("MODULE_SPEED_OUTPUT", ROOT / "benchmarks" / "module_slicer.json"))
MODEL = os.environ.get("MODULE_SPEED_MODEL", "")
REPEATS = int(os.environ.get("MODULE_SPEED_REPEATS", "10"))
JOURNEYS = int(os.environ.get("MODULE_SPEED_JOURNEYS", "1"))
WINDOW = (1700, 1300)


def main() -> None:
    """Measure, and write the record."""
    # The application's start has imported it: it offers sample data.
    from module_speed.engine import describe_machine, prepare

    from DualSSLSegmentationLib.compat import homeFolder

    home = homeFolder()
    machine = describe_machine(PYTHON)
    prepare(PYTHON, home, Path(MODEL) if MODEL else None)
    qt.QSettings().setValue("DualSSLSegmentation/Interpreter", PYTHON)
    slicer.util.mainWindow().resize(*WINDOW)
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    slicer.app.processEvents()
    figures = [_opening()]

    from module_speed.session import ModuleSession
    from module_speed.suite import Wish, parts, record

    about = {"created": datetime.now(timezone.utc).isoformat(timespec="seconds"), "machine": {**machine, **_application()}}
    session = ModuleSession(slicer.modules.dualsslsegmentation.widgetRepresentation().self())
    for part in parts(session, Wish(home, (), None, None, REPEATS, JOURNEYS), _say):
        figures += part
        OUTPUT.write_text(json.dumps({**about, **record(figures, [])}, indent=2) + "\n", encoding="utf-8")


def _opening() -> Any:
    """Choose the module as a person does, until its panel is drawn."""
    began, cpu = perf_counter(), process_time()
    slicer.util.selectModule("DualSSLSegmentation")
    slicer.app.processEvents()
    wall, used = perf_counter() - began, process_time() - cpu

    from module_speed.opening import LIMIT_MS
    from module_speed.timings import Timing, timing_figure

    return timing_figure("opening", "From choosing the module to its drawn panel.", [Timing(wall, used)], LIMIT_MS)


def _application() -> dict[str, str]:
    return {
        "application": f"{slicer.app.applicationName} {slicer.app.applicationVersion}",
        "vtk": vtk.vtkVersion().GetVTKVersion(),
        "application_python": sys.version.split()[0],
    }


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    code = 1
    try:
        main()
        code = 0
    except Exception:
        traceback.print_exc()
    slicer.util.exit(code)
