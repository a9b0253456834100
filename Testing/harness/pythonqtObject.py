"""PySide6's objects dressed as PythonQt's: the classes, and what an attribute of an object means.

Where PythonQt is strict, so is this: a property is an attribute, not a method; what is neither property, method, signal nor
child is no attribute; nothing new can be assigned; methods take no keywords and no Python functions and return tuples for
lists; the classes have no common base of Qt, so that isinstance(button, qt.QWidget) is False. A wrapper holds its object: an
object without a parent is destroyed with the last reference to its wrapper.
"""

from __future__ import annotations

import enum
import functools
import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore, QtWidgets

import guard
import modalDialogs
import pythonqtSignal
from pythonqtMembers import isProperty, isQts, readProperty, scriptedMethod, writeProperty
from pythonqtNewer import isNewer
from pythonqtSignal import BoundSignal, connections, signaturesOf

# Methods of Qt that a Python subclass may override.
_VIRTUAL = frozenset(
    {"paintEvent", "resizeEvent", "showEvent", "hideEvent", "closeEvent", "changeEvent", "enterEvent", "leaveEvent"}
    | {"mousePressEvent", "mouseReleaseEvent", "mouseMoveEvent", "mouseDoubleClickEvent", "wheelEvent"}
    | {"keyPressEvent", "keyReleaseEvent", "eventFilter", "sizeHint", "minimumSizeHint"}
)

_WRAPPER = "pythonqtWrapper"


class ClassWrapper(type):
    """A class of Qt as Python sees it: to be called, and to be asked for enum values and static methods."""

    qtClass: type

    def __getattr__(cls, name: str) -> Any:
        value = None if name.startswith("_") else getattr(cls.qtClass, name, None)
        if isinstance(value, enum.Enum):
            return value
        if isinstance(value, enum.EnumMeta):
            return functools.partial(value)  # makes a value of a number; the values are attributes of the class alone
        if isinstance(value, type) and issubclass(value, shiboken6.Object):
            return classFor(value)
        if not callable(value) or name == "exec" or isNewer(cls.qtClass, name):
            raise AttributeError(f"{cls.__name__} has no attribute named '{name}'")
        return Method(value, f"{cls.__name__}.{name}")

    @property
    def isDerived(cls) -> bool:
        """Whether this is a class written in Python on top of one of Qt's."""
        return "qtClass" not in cls.__dict__


class Method:
    """A method of Qt."""

    def __init__(self, method: Callable[..., Any], name: str) -> None:
        self._method = method
        self._name = name

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call it; what it cannot take raises as in PythonQt."""
        return wrap(self.plain(*arguments, **keywords))

    def plain(self, *arguments: Any, **keywords: Any) -> Any:
        """As calling it, but what comes back is PySide's."""
        if keywords:
            raise TypeError(f"{self._name}() takes no keyword arguments in PythonQt.")
        if any(_isPythonFunction(argument) for argument in arguments):
            raise ValueError(f"{self._name}() takes no Python function in PythonQt: connect to a signal.")
        values = [unwrap(argument) for argument in arguments]
        try:
            return self._method(*values)
        except TypeError as error:
            raise ValueError(f"Could not find matching overload for given arguments of {self._name}(): {error}") from error


def _isPythonFunction(value: Any) -> bool:
    return type(value).__name__ in ("function", "method", "partial", "builtin_function_or_method")


class Wrapper(metaclass=ClassWrapper):
    """An object of Qt that is no QObject: a size, a table item, a key sequence."""

    __slots__ = ("__weakref__", "qtObject_")
    qtClass = object

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        kind = type(self)
        make = Method(shellOf(kind) if kind.isDerived else kind.qtClass, kind.__name__)
        object.__setattr__(self, "qtObject_", make.plain(*arguments, **keywords))
        # A subclass written in Python lives as long as its object: Qt calls its methods.
        self.qtObject_.__dict__[_WRAPPER] = (lambda: self) if kind.isDerived else weakref.ref(self)

    def className(self) -> str:
        """Name of the class."""
        return type(self).__name__

    def inherits(self, name: str) -> bool:
        """Whether the class or one of its bases has this name: what isinstance does not tell."""
        return any(base.__name__ == name for base in type(self).qtClass.__mro__)

    def delete(self) -> None:
        """Destroy the C++ object now."""
        shiboken6.delete(self.qtObject_)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "qtObject_":
            raise AttributeError(name)
        method = scriptedMethod(self.qtObject_, name)
        if method is None:
            raise AttributeError(f"{self.className()} has no attribute named '{name}'")
        return Method(method, f"{self.className()}.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        if not type(self).isDerived:
            raise AttributeError(
                f"'{name}' does not exist on {self.className()} and creating new attributes on C++ objects is not allowed"
            )
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wrapper) and bool(self.qtObject_ == other.qtObject_)

    def __hash__(self) -> int:
        return hash(self.qtObject_)

    def __bool__(self) -> bool:
        return shiboken6.isValid(self.qtObject_)

    def __repr__(self) -> str:
        return f"{self.className()} ({self.qtObject_!r})"


class QObjectWrapper(Wrapper):
    """A QObject: with properties, signals and children."""

    __slots__ = ()
    qtClass = QtCore.QObject

    def inherits(self, name: str) -> bool:
        """Whether the class or one of its bases has this name."""
        return bool(self.qtObject_.inherits(name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "qtObject_":
            raise AttributeError(name)
        qtObject = self.qtObject_
        if not shiboken6.isValid(qtObject):
            raise ValueError(f"Trying to read '{name}' from a destroyed {self.className()} object")
        if isProperty(qtObject, name):
            return wrap(readProperty(qtObject, name))
        if name in OBJECT_METHODS:
            return functools.partial(OBJECT_METHODS[name], qtObject)
        if signaturesOf(qtObject, name):
            return BoundSignal(qtObject, name, unwrap)
        method = _modal(qtObject) if name == "exec_" else scriptedMethod(qtObject, name)
        if method is not None:
            return Method(method, f"{self.className()}.{name}")
        if _isDynamic(qtObject, name):
            return wrap(qtObject.property(name))
        for child in qtObject.children():
            if child.objectName() == name:
                return wrap(child)
        raise AttributeError(f"{self.className()} has no attribute named '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        qtObject = self.qtObject_
        if isProperty(qtObject, name):
            writeProperty(qtObject, name, unwrap(value), self.className())
        elif name in OBJECT_METHODS or signaturesOf(qtObject, name) or scriptedMethod(qtObject, name) is not None:
            raise AttributeError(f"Slot '{name}' can not be overwritten on {self.className()} object")
        elif _isDynamic(qtObject, name):
            qtObject.setProperty(name, unwrap(value))
        else:
            super().__setattr__(name, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QObjectWrapper) and self.qtObject_ is other.qtObject_

    __hash__ = Wrapper.__hash__


def _isDynamic(qtObject: QtCore.QObject, name: str) -> bool:
    return name.encode() in [bytes(known.data()) for known in qtObject.dynamicPropertyNames()]


def _modal(qtObject: QtCore.QObject) -> Callable[..., Any] | None:
    if isinstance(qtObject, QtWidgets.QDialog):
        return functools.partial(modalDialogs.execute, qtObject)
    if isinstance(qtObject, QtWidgets.QMenu):
        return lambda *_: modalDialogs.popUp(qtObject)
    return scriptedMethod(qtObject, "exec_")


def _connect(qtObject: QtCore.QObject, signal: str, receiver: Any, slot: str | None = None) -> bool:
    if slot is None and callable(receiver):
        return connections.add(qtObject, signal, receiver)
    if slot is None or not isinstance(receiver, QObjectWrapper):
        raise ValueError("Could not find matching overload for given arguments of connect()")
    return pythonqtSignal.connectSlot(qtObject, signal, receiver.qtObject_, slot)


def _disconnect(qtObject: QtCore.QObject, signal: str, receiver: Any = None, slot: str | None = None) -> bool:
    if slot is None:
        return connections.remove(qtObject, signal, receiver)
    return pythonqtSignal.disconnectSlot(qtObject, signal, unwrap(receiver), slot)


def _findChildren(qtObject: QtCore.QObject, kind: Any, name: str | None = None) -> tuple[Any, ...]:
    className = kind if isinstance(kind, str) else kind.__name__
    all_ = qtObject.findChildren(QtCore.QObject)
    return tuple(wrap(c) for c in all_ if c.inherits(className) and name in (None, c.objectName()))


def _findChild(qtObject: QtCore.QObject, kind: Any, name: str | None = None) -> Any:
    return next(iter(_findChildren(qtObject, kind, name)), None)


# What PythonQt itself adds to every QObject.
OBJECT_METHODS: dict[str, Callable[..., Any]] = {
    "connect": _connect,
    "disconnect": _disconnect,
    "children": lambda qtObject: tuple(wrap(child) for child in qtObject.children()),
    "findChild": _findChild,
    "findChildren": _findChildren,
    "tr": lambda _qtObject, text: text,
}

_classes: dict[type, ClassWrapper] = {}


def classFor(qtClass: type) -> ClassWrapper:
    """The class that Python sees for a class of Qt or for a stand-in."""
    if qtClass not in _classes:
        base = QObjectWrapper if issubclass(qtClass, QtCore.QObject) else Wrapper
        _classes[qtClass] = ClassWrapper(qtClass.__name__, (base,), {"__slots__": (), "qtClass": qtClass})
    return _classes[qtClass]


@functools.cache
def shellOf(derived: ClassWrapper) -> type:
    """A class of Qt that calls the methods which a Python subclass overrides; an exception in one of them is recorded."""

    def override(name: str) -> Callable[..., Any]:
        def call(qtObject: Any, *values: Any) -> Any:
            try:
                return unwrap(getattr(wrap(qtObject), name)(*(wrap(value) for value in values)))
            except Exception:
                guard.log.addException("slot", f"Exception in {derived.__name__}.{name}:")
                return getattr(super(shell, qtObject), name)(*values)

        return call

    own = {name for base in derived.__mro__ if getattr(base, "isDerived", False) for name in base.__dict__}
    methods = {name: override(name) for name in _VIRTUAL if name in own}
    shell = type(derived.qtClass.__name__, (derived.qtClass,), methods)
    return shell


def unwrap(value: Any) -> Any:
    """What PySide needs for a value that Python passes."""
    if isinstance(value, Wrapper):
        return value.qtObject_
    if isinstance(value, (list, tuple)):
        return [unwrap(element) for element in value]
    return value


def wrap(value: Any) -> Any:
    """What Python gets for a value of PySide: objects dressed, lists as tuples."""
    if isinstance(value, (list, tuple)):
        return tuple(wrap(element) for element in value)
    if not isinstance(value, shiboken6.Object) or isinstance(value, enum.Enum):
        return value
    known = value.__dict__.get(_WRAPPER)
    existing = known() if known is not None else None
    if existing is not None:
        return existing
    kind = classFor(_shownClass(type(value)))
    made = kind.__new__(kind)
    object.__setattr__(made, "qtObject_", value)
    value.__dict__[_WRAPPER] = weakref.ref(made)
    return made


def _shownClass(qtClass: type) -> type:
    # What a stand-in is made of shows as the stand-in, or as the class of Qt, that it derives from.
    return next(base for base in qtClass.__mro__ if base.__name__.startswith(("q", "ctk")) or isQts(base))


pythonqtSignal.wrap = wrap
