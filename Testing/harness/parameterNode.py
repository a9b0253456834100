"""Stand-in of `slicer.parameterNodeWrapper`: typed values on a real vtkMRMLScriptedModuleNode, which a saved scene keeps.

Types: str, bool, int, float, pathlib.Path, enums, MRML nodes, and Optional or `X | None` of these; Default, WithinRange,
Minimum, Maximum and Choice as annotations. A value of the wrong type or outside its range raises, nothing is converted. Names
of parameters and their texts are those that Slicer writes. What is read comes from a copy that is brought up to date when the
node tells that it was modified, as in Slicer. Not there: lists, packs, colours, `connectGui`.
"""

from __future__ import annotations

import enum
import pathlib
import types
import typing
import weakref
from dataclasses import dataclass
from typing import Any

import slicer


class Default:
    """Annotation: the value of a parameter that was never set."""

    def __init__(self, value: Any = None, *, generator: Any = None) -> None:
        self._value = value
        self._generator = generator

    @property
    def value(self) -> Any:
        """The value."""
        return self._generator() if self._generator else self._value


@dataclass(frozen=True)
class WithinRange:
    """Annotation: bounds, both included."""

    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        """Raise a ValueError for a value outside the bounds."""
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


@dataclass(frozen=True)
class Minimum:
    """Annotation: a lower bound."""

    minimum: float

    def validate(self, value: Any) -> None:
        """Raise a ValueError for a smaller value."""
        if value < self.minimum:
            raise ValueError(f"Value must be at least {self.minimum}, is {value}")


@dataclass(frozen=True)
class Maximum:
    """Annotation: an upper bound."""

    maximum: float

    def validate(self, value: Any) -> None:
        """Raise a ValueError for a greater value."""
        if value > self.maximum:
            raise ValueError(f"Value must be at most {self.maximum}, is {value}")


@dataclass(frozen=True)
class Choice:
    """Annotation: the values there are."""

    choices: tuple[Any, ...] | list[Any]

    def validate(self, value: Any) -> None:
        """Raise a ValueError for any other value."""
        if value not in self.choices:
            raise ValueError(f"Value is {value}, but must be in one of the following: {self.choices}")


def _texts(kind: type) -> tuple[Any, Any, Any]:
    """How a type is written and read, and its value where none was given."""
    if kind is bool:
        return (lambda v: "True" if v else "False"), (lambda text: text == "True"), False
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return (lambda v: v.name), (lambda text: kind[text]), next(iter(kind))
    if kind in (str, int, float) or (isinstance(kind, type) and issubclass(kind, pathlib.PurePath)):
        return str, kind, kind()
    raise TypeError(f"The harness has no parameter of the type {kind}.")


@dataclass(frozen=True)
class _Parameter:
    """One parameter: its name, its types (with None last where it is optional), its default and its bounds."""

    name: str
    kind: type
    optional: bool
    default: Any
    validators: tuple[Any, ...]

    @property
    def isNode(self) -> bool:
        return isinstance(self.kind, type) and issubclass(self.kind, slicer.vtkMRMLNode)

    @property
    def _place(self) -> str:
        return f"{self.name}.0" if self.optional else self.name

    def validate(self, value: Any) -> None:
        if value is None:
            if not self.optional and not self.isNode:
                raise ValueError("Value must not be None")
            return
        wanted: Any = (int, float) if self.kind is float else self.kind
        if not isinstance(value, wanted):
            raise TypeError(f"Value must be of type '{wanted}', is type '{type(value)}' value '{value}'")
        for validator in self.validators:
            validator.validate(value)

    def isIn(self, node: Any) -> bool:
        return bool(node.HasParameter(self._place) or node.HasParameter(f"{self.name}.1"))

    def write(self, node: Any, value: Any) -> None:
        self.validate(value)
        with slicer.util.NodeModify(node):
            if self.optional:
                for place in (f"{self.name}.0", f"{self.name}.1"):
                    node.UnsetParameter(place)
                if self.isNode:
                    node.RemoveNodeReferenceIDs(self._place)
                if value is None:
                    node.SetParameter(f"{self.name}.1", "True")
                    return
            if self.isNode:
                node.SetParameter(self._place, "")
                node.SetNodeReferenceID(self._place, value.GetID() if value is not None else None)
            else:
                node.SetParameter(self._place, _texts(self.kind)[0](value))

    def read(self, node: Any) -> Any:
        if not self.isIn(node):
            # A closed scene leaves its singletons empty.
            self.write(node, self.default)
        if self.optional and not node.HasParameter(self._place):
            return None
        if self.isNode:
            return node.GetNodeReference(self._place)
        return _texts(self.kind)[1](node.GetParameter(self._place))


def _parameterOf(classType: type, name: str, annotation: Any) -> _Parameter:
    annotations: list[Any] = []
    if typing.get_origin(annotation) is typing.Annotated:
        annotation, *annotations = typing.get_args(annotation)
    optional = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    if optional:
        kinds = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
        if len(kinds) != 1 or type(None) not in typing.get_args(annotation):
            raise TypeError(f"{name}: the harness has unions with None only.")
        annotation = kinds[0]
    isNode = isinstance(annotation, type) and issubclass(annotation, slicer.vtkMRMLNode)
    given = [a for a in annotations if isinstance(a, Default)]
    if hasattr(classType, name):
        default = getattr(classType, name)
    elif given:
        default = given[0].value
    else:
        default = None if optional or isNode else _texts(annotation)[2]
    return _Parameter(name, annotation, optional, default, tuple(a for a in annotations if hasattr(a, "validate")))


class _Cache:
    """The values of a node, brought up to date when it is modified."""

    def __init__(self, node: Any, parameters: dict[str, _Parameter]) -> None:
        self._node = node
        self._parameters = parameters
        self.values = {name: parameter.read(node) for name, parameter in parameters.items()}
        self._writing = False
        reference = weakref.ref(self)
        self._tag = node.AddObserver("ModifiedEvent", lambda *_: _refresh(reference))

    def __del__(self) -> None:
        self._node.RemoveObserver(self._tag)

    def onModified(self) -> None:
        if not self._writing:
            self.values = {name: parameter.read(self._node) for name, parameter in self._parameters.items()}

    def write(self, name: str, value: Any) -> None:
        self._writing = True
        try:
            # The copy is right before anybody is told.
            with slicer.util.NodeModify(self._node):
                self._parameters[name].write(self._node, value)
                self.values[name] = self._parameters[name].read(self._node)
        finally:
            self._writing = False


def _refresh(reference: weakref.ref[_Cache]) -> None:
    cache = reference()
    if cache is not None:
        cache.onModified()


def _property(name: str) -> property:
    return property(lambda self: self._cache.values[name], lambda self, value: self._cache.write(name, value))


class _Wrapped:
    """What the decorator gives a class beside its parameters."""

    allParameters: dict[str, _Parameter]
    _cache: _Cache

    def __init__(self, parameterNode: Any) -> None:
        self.parameterNode = parameterNode
        for parameter in self.allParameters.values():
            if not parameter.isIn(parameterNode):
                parameter.write(parameterNode, parameter.default)
        self._cache = _Cache(parameterNode, self.allParameters)

    def getValue(self, name: str) -> Any:
        """A parameter by its name."""
        self._check(name)
        return getattr(self, name)

    def setValue(self, name: str, value: Any) -> None:
        """Set a parameter by its name."""
        self._check(name)
        setattr(self, name, value)

    def default(self, name: str) -> Default:
        """The value a parameter has before it is set."""
        self._check(name)
        return Default(self.allParameters[name].default)

    def _check(self, name: str) -> None:
        if name not in self.allParameters:
            raise ValueError(f"Cannot find a param with the given name: {name}")

    def StartModify(self) -> int:
        """As the node's."""
        return int(self.parameterNode.StartModify())

    def EndModify(self, wasModifying: int) -> None:
        """As the node's."""
        self.parameterNode.EndModify(wasModifying)

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> int:
        """As the node's."""
        return int(self.parameterNode.AddObserver(event, callback, priority))

    def RemoveObserver(self, tag: int) -> None:
        """As the node's."""
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        """As the node's."""
        self.parameterNode.Modified()


def parameterNodeWrapper(classType: type | None = None) -> Any:
    """Class decorator: the annotated members become parameters of the node given to the constructor."""
    if classType is None:
        return parameterNodeWrapper
    hints = typing.get_type_hints(classType, include_extras=True)
    parameters = {name: _parameterOf(classType, name, annotation) for name, annotation in hints.items()}
    reserved = [name for name in parameters if hasattr(_Wrapped, name)]
    if reserved:
        raise ValueError(f"Cannot use reserved name '{reserved[0]}' in a parameterNodeWrapper")
    members: dict[str, Any] = {name: _property(name) for name in parameters}
    members.update({"allParameters": parameters, "__module__": classType.__module__, "__doc__": classType.__doc__})
    methods = {name: member for name, member in vars(classType).items() if callable(member) and not name.startswith("__")}
    return type(classType.__name__, (_Wrapped,), {**methods, **members})
