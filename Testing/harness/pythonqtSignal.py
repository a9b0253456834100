"""Signals as PythonQt has them: named by their signature, checked when connected, arguments cut to what the slot declares."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore
from shiboken6 import getCppPointer

import guard
from pythonqtNewer import isNewer


def wrap(value: Any) -> Any:
    """What Python gets for a value of Qt; pythonqtObject, which imports this file, puts its own in place."""
    return value


class Handler:
    """A Python function connected to a signal.

    Args:
        signature: the signal's, normalised.
        function: what is called; kept alive by the connection, as in PythonQt.
    """

    def __init__(self, signature: str, function: Callable[..., Any]) -> None:
        self.signature = signature
        self.function = function
        self._count = acceptedArguments(function)

    def deliver(self, *values: Any) -> None:
        """Call the function with as many arguments as it declares; an exception is recorded, not raised."""
        given = values if self._count is None else values[: self._count]
        try:
            self.function(*(wrap(value) for value in given))
        except Exception:
            guard.log.addException("slot", f"Exception in a slot of {self.signature}:")


def acceptedArguments(function: Callable[..., Any]) -> int | None:
    """How many arguments PythonQt passes at most: those a plain function or method declares, defaults included; None: all."""
    plain = inspect.ismethod(function) and inspect.isfunction(function.__func__)
    code = getattr(function.__func__ if plain else function, "__code__", None)
    if code is None or not (plain or inspect.isfunction(function)) or code.co_flags & inspect.CO_VARARGS:
        return None
    return code.co_argcount - (1 if plain else 0)


def normalised(signature: str) -> str:
    """A signature as Qt writes it; the number that Qt's SIGNAL() puts in front is dropped."""
    text = signature[1:] if signature[:1].isdigit() else signature
    return bytes(QtCore.QMetaObject.normalizedSignature(text).data()).decode()


@functools.cache
def _declaredSignals(qtClass: type) -> dict[str, str]:
    """Signature -> name of the attribute that is the signal, for stand-ins whose signals carry what PySide has no type for."""
    found: dict[str, str] = {}
    for base in reversed(qtClass.__mro__):
        found.update({normalised(k): v for k, v in base.__dict__.get("SIGNALS", {}).items()})
    return found


_known: dict[tuple[type, str, str], list[str]] = {}


def signaturesOf(qtObject: QtCore.QObject, name: str) -> list[str]:
    """The signatures of the signals of this name, the most derived class's first, in the order of their declaration."""
    # Asked at each access to an attribute. PythonQt remembers it for each class, too.
    key = type(qtObject), qtObject.metaObject().className(), name
    if key not in _known:
        _known[key] = _signaturesOf(qtObject, name)
    return _known[key]


def _signaturesOf(qtObject: QtCore.QObject, name: str) -> list[str]:
    if isNewer(type(qtObject), name):
        return []
    found = [signature for signature in _declaredSignals(type(qtObject)) if signature.split("(")[0] == name]
    meta: QtCore.QMetaObject | None = qtObject.metaObject()
    while meta is not None:
        for index in range(meta.methodOffset(), meta.methodCount()):
            method = meta.method(index)
            signature = bytes(method.methodSignature().data()).decode()
            isSignal = method.methodType() == QtCore.QMetaMethod.MethodType.Signal
            if isSignal and signature.split("(")[0] == name and "PyObject" not in signature:
                found.append(signature)
        meta = meta.superClass()
    return found


def hasSignal(qtObject: QtCore.QObject, signature: str) -> bool:
    """Whether the object has a signal of exactly this signature."""
    return normalised(signature) in signaturesOf(qtObject, normalised(signature).split("(")[0])


class Connections:
    """The connections of all objects to Python functions, kept with the C++ object as PythonQt keeps them."""

    def __init__(self) -> None:
        self._handlers: dict[int, list[tuple[Handler, Any]]] = {}

    def _of(self, qtObject: QtCore.QObject) -> list[tuple[Handler, Any]]:
        key = getCppPointer(qtObject)[0]
        if key not in self._handlers:
            self._handlers[key] = []
            qtObject.destroyed.connect(lambda *_: self._handlers.pop(key, None))
        return self._handlers[key]

    def add(self, qtObject: QtCore.QObject, signature: str, function: Callable[..., Any]) -> bool:
        """Connect; False, and a fault, where the object has no such signal."""
        wanted = normalised(signature)
        if not hasSignal(qtObject, wanted):
            _noSuchSignal(qtObject, signature)
            return False
        handler = Handler(wanted, function)
        deliver = handler.deliver
        attribute = _declaredSignals(type(qtObject)).get(wanted)
        if attribute is not None:
            getattr(qtObject, attribute).connect(deliver)
        else:
            QtCore.QObject.connect(qtObject, QtCore.SIGNAL(wanted), deliver)
        self._of(qtObject).append((handler, deliver))
        return True

    def remove(self, qtObject: QtCore.QObject, signature: str, function: Callable[..., Any] | None = None) -> bool:
        """Disconnect one function, or all of the signal, connections of C++ included; False where none was."""
        wanted = normalised(signature)
        if not hasSignal(qtObject, wanted):
            _noSuchSignal(qtObject, signature)
            return False
        kept = self._of(qtObject)
        found = [e for e in kept if e[0].signature == wanted and (function is None or e[0].function == function)]
        for entry in found if function is None else found[:1]:
            kept.remove(entry)
            self._cut(qtObject, wanted, entry[1])
        if function is None:
            return bool(found) | bool(QtCore.QObject.disconnect(qtObject, QtCore.SIGNAL(wanted), None, None))
        return bool(found)

    def _cut(self, qtObject: QtCore.QObject, signature: str, deliver: Any) -> None:
        attribute = _declaredSignals(type(qtObject)).get(signature)
        if attribute is not None:
            getattr(qtObject, attribute).disconnect(deliver)
        else:
            QtCore.QObject.disconnect(qtObject, QtCore.SIGNAL(signature), deliver)

    def removeAll(self, qtObject: QtCore.QObject) -> None:
        """Disconnect all Python functions from an object that outlives a test."""
        kept = self._of(qtObject)
        for handler, deliver in kept:
            self._cut(qtObject, handler.signature, deliver)
        kept.clear()

    def emit(self, qtObject: QtCore.QObject, signatures: list[str], values: tuple[Any, ...]) -> None:
        """Emit the signal whose signature takes so many values."""
        fitting = [s for s in signatures if _count(s) == len(values)]
        if not fitting:
            raise ValueError(f"Called {signatures[0]} with wrong number of arguments ({len(values)}).")
        attribute = _declaredSignals(type(qtObject)).get(fitting[0])
        if attribute is not None:
            getattr(qtObject, attribute).emit(*values)
        else:
            QtCore.QObject.emit(qtObject, QtCore.SIGNAL(fitting[0]), *values)


connections = Connections()


def _count(signature: str) -> int:
    inside = signature[signature.index("(") + 1 : -1]
    return len(inside.split(",")) if inside else 0


def _noSuchSignal(qtObject: QtCore.QObject, signature: str) -> None:
    text = f"QObject::connect() signal '{signature}' does not exist on {qtObject.metaObject().className()}"
    sys.stderr.write(f"PythonQt: {text}\n")
    guard.log.add("signal", text)


class BoundSignal:
    """A signal of an object, as `button.clicked`: to be connected, disconnected and emitted. There is no `signal[type]`."""

    def __init__(self, qtObject: QtCore.QObject, name: str, unwrap: Callable[[Any], Any]) -> None:
        self._object = qtObject
        self._signatures = signaturesOf(qtObject, name)
        self._unwrap = unwrap

    def connect(self, *arguments: Any) -> bool:
        """Connect a function to the first signature of the signal."""
        if len(arguments) != 1 or not callable(arguments[0]):
            raise ValueError("Called connect with wrong number of arguments")
        return connections.add(self._object, self._signatures[0], arguments[0])

    def disconnect(self, *arguments: Any) -> bool:
        """Disconnect a function; without one everything, also what C++ connected."""
        return connections.remove(self._object, self._signatures[0], *arguments)

    def emit(self, *arguments: Any) -> None:
        """Emit the signal."""
        connections.emit(self._object, self._signatures, tuple(self._unwrap(a) for a in arguments))

    __call__ = emit


def connectSlot(qtObject: QtCore.QObject, signal: str, receiver: QtCore.QObject, slot: str) -> bool:
    """Connect a signal to a slot of Qt; False, and a fault, where one of the two is not there."""
    if not hasSignal(qtObject, signal):
        _noSuchSignal(qtObject, signal)
        return False
    if receiver.metaObject().indexOfMethod(normalised(slot)) < 0:
        guard.log.add("signal", f"QObject::connect() slot '{slot}' does not exist on {receiver.metaObject().className()}")
        return False
    return bool(QtCore.QObject.connect(qtObject, QtCore.SIGNAL(normalised(signal)), receiver, QtCore.SLOT(normalised(slot))))


def disconnectSlot(qtObject: QtCore.QObject, signal: str, receiver: QtCore.QObject, slot: str) -> bool:
    """Disconnect a signal from a slot of Qt."""
    names = (QtCore.SIGNAL(normalised(signal)), receiver, QtCore.SLOT(normalised(slot)))
    return bool(QtCore.QObject.disconnect(qtObject, *names))
