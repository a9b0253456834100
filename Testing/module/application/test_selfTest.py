"""The module's own test passes in the harness, too, with and without a main window."""

import sys

from PySide6 import QtCore


def steps(module):
    """Run the module's own test; returns what it said."""
    test = module.module.DualSSLSegmentationTest()
    said = []
    test.delayDisplay = said.append
    test.runTest()
    return said


def test_the_modules_own_test_passes(open_module, home):
    said = steps(open_module())
    assert "Fine-tuning" in said
    assert said[-1] == "The self-test has passed."
    assert not home.exists() or not any(home.iterdir())


def test_the_modules_own_test_passes_without_a_main_window(no_main_window, tmp_path, monkeypatch):
    from pathlib import Path

    from moduleHost import OpenedModule

    monkeypatch.setattr(no_main_window.core.app, "slicerUserSettingsFilePath", str(tmp_path / "Slicer.ini"))
    QtCore.QSettings().setValue("DualSSLSegmentation/Interpreter", sys.executable)
    file = Path(__file__).parents[3] / "DualSSLSegmentation" / "DualSSLSegmentation.py"
    module = OpenedModule(file, no_main_window)
    module.open()
    try:
        assert steps(module)[-1] == "The self-test has passed."
    finally:
        module.close()
