"""What of a Qt object PythonQt shows: its properties by name, and the methods that are public there.

A property hides the method of its name (`label.text` is a string), so `isProperty` is asked first. Of a stand-in class written
in Python only what is marked with `scripted` is a method: as with CTK's and Slicer's own widgets, whose plain C++ methods
PythonQt does not see, only their slots and what is Q_INVOKABLE.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6 import QtCore

from pythonqtNewer import isNewer

F = TypeVar("F", bound=Callable[..., Any])

# Public in PySide, but protected in C++, or made otherwise by PythonQt.
_NOT_SCRIPTED = frozenset(
    {"sender", "receivers", "isSignalConnected", "connectNotify", "disconnectNotify", "event", "exec", "emit"}
    | {"initPainter", "sharedPainter", "metric", "create", "destroy", "updateMicroFocus", "setProcessState"}
    | {"focusNextChild", "focusPreviousChild"}
)
# Properties that PythonQt leaves to the static method of their name.
_HIDDEN_PROPERTIES = frozenset({("QTimer", "singleShot")})
_PLAIN_TYPES: dict[str, tuple[type, ...]] = {
    "QString": (str,),
    "bool": (bool, int),
    "int": (int,),
    "double": (int, float),
}


def scripted(method: F) -> F:
    """Mark a method of a stand-in as one that Python sees: a slot or Q_INVOKABLE in the real class."""
    method.isScripted = True
    return method


def _metaProperty(qtObject: QtCore.QObject, name: str) -> QtCore.QMetaProperty | None:
    meta = qtObject.metaObject()
    if any(name == hidden and qtObject.inherits(owner) for owner, hidden in _HIDDEN_PROPERTIES):
        return None
    index = meta.indexOfProperty(name)
    if index < 0 and name == "name":
        index = meta.indexOfProperty("objectName")
    return meta.property(index) if index >= 0 else None


def isProperty(qtObject: QtCore.QObject, name: str) -> bool:
    """Whether the object has a property of this name; `name` is `objectName` where there is no other."""
    return _metaProperty(qtObject, name) is not None


def readProperty(qtObject: QtCore.QObject, name: str) -> Any:
    """The value of a property."""
    prop = _metaProperty(qtObject, name)
    assert prop is not None
    name = prop.name()
    capital = name[0].upper() + name[1:]
    # PySide cannot convert every type of property, but each has its getter.
    for getter in (name, f"is{capital}", f"has{capital}"):
        method = getattr(qtObject, getter, None)
        if callable(method) and not _isPythonProperty(qtObject, getter):
            return method()
    return qtObject.property(name)


def writeProperty(qtObject: QtCore.QObject, name: str, value: Any, className: str) -> None:
    """Set a property; an AttributeError says where it cannot take the value."""
    prop = _metaProperty(qtObject, name)
    assert prop is not None
    if not prop.isWritable():
        raise AttributeError(f"Property '{name}' of {className} object is not writable")
    plain = _PLAIN_TYPES.get(prop.typeName())
    if (plain is not None and not isinstance(value, plain)) or not _written(qtObject, prop.name(), value):
        raise AttributeError(
            f"Property '{name}' of type '{prop.typeName()}' does not accept an object of type "
            f"{type(value).__name__} ({value!r})"
        )


def _written(qtObject: QtCore.QObject, name: str, value: Any) -> bool:
    setter = getattr(qtObject, f"set{name[0].upper()}{name[1:]}", None)
    if setter is None or _isPythonProperty(qtObject, name):
        return bool(qtObject.setProperty(name, value))
    try:
        setter(value)
    except TypeError:
        return False
    return True


def _isPythonProperty(qtObject: QtCore.QObject, name: str) -> bool:
    return any(isinstance(base.__dict__.get(name), QtCore.Property) for base in type(qtObject).__mro__)


def scriptedMethod(qtObject: Any, name: str) -> Callable[..., Any] | None:
    """The method of this name, or None where PythonQt shows none; a trailing underscore is dropped, as in `exec_`."""
    if name == "exec_":
        return _ofClass(qtObject, "exec")
    hidden = name in _NOT_SCRIPTED or _isEventHandler(qtObject, name) or isNewer(type(qtObject), name)
    return None if hidden else _ofClass(qtObject, name)


def _isEventHandler(qtObject: Any, name: str) -> bool:
    # Protected in all widgets; QCoreApplication's postEvent and sendEvent are not.
    return name.endswith("Event") and not name.startswith(("post", "send")) and hasattr(qtObject, "isWidgetType")


def _ofClass(qtObject: Any, name: str) -> Callable[..., Any] | None:
    for base in type(qtObject).__mro__:
        member = base.__dict__.get(name)
        if member is None:
            continue
        if getattr(member, "isScripted", False) or (isQts(base) and callable(getattr(qtObject, name))):
            found: Callable[..., Any] = getattr(qtObject, name)
            return found
    return None


def isQts(qtClass: type) -> bool:
    """Whether a class is one of Qt's, not a stand-in."""
    return qtClass.__module__.startswith("PySide6.")
