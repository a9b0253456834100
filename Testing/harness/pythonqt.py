"""The modules `qt` and `ctk` of the application: PySide6 in the ways of PythonQt.

`install()` puts them into `sys.modules`. How an object behaves is in pythonqtObject.py, its properties and methods in
pythonqtMembers.py, signals in pythonqtSignal.py, dialogs that a test answers in pythonqtDialogs.py.
"""

from __future__ import annotations

import enum
import sys
import types
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtWidgets

from pythonqtDialogs import DIALOG_CLASSES
from pythonqtObject import ClassWrapper, classFor
from pythonqtSignal import Handler

_LIBRARIES = (QtCore, QtGui, QtWidgets)
# Not to be leaned on in a module, each with what to do instead.
_REFUSED = {
    "Signal": "signals of Python classes are unreliable in PythonQt: keep a list of functions to call",
    "Slot": "a Python function needs no decorator to be connected",
    "Property": "a plain Python attribute does",
    "QThread": "Python threads stand still in the application's event loop: use QProcess",
    "QThreadPool": "Python threads stand still in the application's event loop: use QProcess",
    "QRegExp": "it is gone in Qt 6: use re",
    "QTextCodec": "it is gone in Qt 6: use str.encode",
}


class QtModule(types.ModuleType):
    """`qt`: the classes by their names; anything else is no attribute."""

    def __getattr__(self, name: str) -> Any:
        if name in _REFUSED:
            raise AttributeError(f"qt.{name}: {_REFUSED[name]}.")
        if name == "Qt":
            return _namespace
        if name in DIALOG_CLASSES:
            return DIALOG_CLASSES[name]
        if name == "QTimer":
            return _timerClass
        if name.startswith("Q"):
            for library in _LIBRARIES:
                value = getattr(library, name, None)
                if isinstance(value, type) and issubclass(value, shiboken6.Object):
                    return classFor(value)
        raise AttributeError(f"module 'qt' has no attribute '{name}'")


class _Namespace:
    """`qt.Qt`: enum values without the name of their enum."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(QtCore.Qt, name, None)
        if not isinstance(value, enum.Enum):
            raise AttributeError(f"Qt has no attribute named '{name}'")
        return value


_shot: list[Any] = []


def _singleShot(milliseconds: int, function: Any) -> None:
    # As PythonQt, which never lets go of it.
    _shot.append(function)
    QtCore.QTimer.singleShot(milliseconds, Handler("QTimer::singleShot", function).deliver)


def _makeTimerClass() -> ClassWrapper:
    # The one static method of Qt that takes a Python function; it hides the property of its name.
    made = classFor(QtCore.QTimer)
    type.__setattr__(made, "singleShot", staticmethod(_singleShot))
    return made


class CtkModule(types.ModuleType):
    """`ctk`: the stand-ins of ctkWidgets.py."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"ctk.{name}: the harness has no stand-in of it; see ctkWidgets.py for what there is.")


_namespace = _Namespace()
_timerClass = _makeTimerClass()


def install() -> None:
    """Make `import qt` and `import ctk` work; a second call does nothing."""
    if isinstance(sys.modules.get("qt"), QtModule):
        return
    from ctkWidgets import CTK_CLASSES

    sys.modules["qt"] = QtModule("qt")
    ctk = CtkModule("ctk")
    for standIn in CTK_CLASSES:
        setattr(ctk, standIn.__name__, classFor(standIn))
    sys.modules["ctk"] = ctk
