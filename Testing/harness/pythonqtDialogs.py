"""The static functions of dialogs, answered by the test; see modalDialogs.answers.

They return one value in PythonQt, where PySide returns two: QInputDialog.getText a string (Cancel cannot be told from an empty
text), QFileDialog.getOpenFileName a path. A dialog that nobody answers is a fault and counts as cancelled.
"""

from __future__ import annotations

from typing import Any

from PySide6 import QtWidgets

from modalDialogs import answers
from pythonqtObject import ClassWrapper, classFor

_Buttons = QtWidgets.QMessageBox.StandardButton

# Class of Qt -> static function -> what Cancel gives.
_STATIC: dict[type, dict[str, Any]] = {
    QtWidgets.QMessageBox: {
        "question": _Buttons.No,
        "information": _Buttons.Ok,
        "warning": _Buttons.Ok,
        "critical": _Buttons.Ok,
        "about": None,
    },
    QtWidgets.QInputDialog: {"getText": "", "getMultiLineText": "", "getItem": "", "getInt": 0, "getDouble": 0.0},
    QtWidgets.QFileDialog: {
        "getOpenFileName": "",
        "getOpenFileNames": (),
        "getSaveFileName": "",
        "getExistingDirectory": "",
    },
    QtWidgets.QColorDialog: {"getColor": None},
}


def _static(name: str, otherwise: Any) -> staticmethod[..., Any]:
    return staticmethod(lambda *arguments: answers.take(name, arguments, otherwise))


def _classWithAnswers(qtClass: type, functions: dict[str, Any]) -> ClassWrapper:
    made = classFor(qtClass)
    for name, otherwise in functions.items():
        type.__setattr__(made, name, _static(f"{qtClass.__name__}.{name}", otherwise))
    return made


DIALOG_CLASSES: dict[str, ClassWrapper] = {c.__name__: _classWithAnswers(c, f) for c, f in _STATIC.items()}
