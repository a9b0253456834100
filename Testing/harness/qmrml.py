"""Stand-in of qMRMLNodeComboBox, on the real scene.

As in Slicer it knows no node before `setMRMLScene` was called. What is no slot, no property and not Q_INVOKABLE in Slicer is
not there for Python; see pythonqtMembers.scripted.
"""

from __future__ import annotations

from typing import Any, ClassVar

import slicer
from PySide6 import QtCore, QtWidgets

import guard
from nodeFilter import NodeFilter
from pythonqtMembers import scripted
from vtkConnections import VtkConnections

Property = QtCore.Property
_ID = QtCore.Qt.ItemDataRole.UserRole
_ACTION = QtCore.Qt.ItemDataRole.UserRole + 1

_ACTIONS = {"rename": "Rename current", "edit": "Edit current", "add": "Create new", "remove": "Delete current"}


class qMRMLNodeComboBox(QtWidgets.QWidget):
    """Chooses a node of some types.

    Which nodes it offers (types, hidden nodes, attributes), what it selects by itself when nodes come and go, and when it tells
    follow Slicer's. The order is that of the scene.
    """

    SIGNALS: ClassVar[dict[str, str]] = {
        "currentNodeChanged(vtkMRMLNode*)": "nodeChanged_",
        "currentNodeChanged(bool)": "validChanged_",
        "currentNodeIDChanged(QString)": "idChanged_",
        "nodeActivated(vtkMRMLNode*)": "activated_",
        "nodeAdded(vtkMRMLNode*)": "added_",
        "nodeAddedByUser(vtkMRMLNode*)": "addedByUser_",
        "nodeAboutToBeRemoved(vtkMRMLNode*)": "removed_",
    }
    nodeChanged_ = QtCore.Signal(object)
    validChanged_ = QtCore.Signal(object)
    idChanged_ = QtCore.Signal(object)
    activated_ = QtCore.Signal(object)
    added_ = QtCore.Signal(object)
    addedByUser_ = QtCore.Signal(object)
    removed_ = QtCore.Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._filter = NodeFilter()
        self._flags = {"none": False, "add": True, "remove": True, "edit": False, "rename": False}
        self._selectNew = True
        self._noneText = "None"
        self._baseName = ""
        self._requested = ""
        self._changing = False
        self._observers = VtkConnections(self)
        self._combo = QtWidgets.QComboBox(self)
        self._combo.setObjectName("ComboBox")
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        self._combo.currentIndexChanged.connect(self._onIndex)
        self._combo.activated.connect(self._onActivated)
        self.setEnabled(False)

    # --- its items

    def _refill(self, without: Any = None) -> None:
        """Bring the items up to date; the current one stays where it can, else the application's rule decides."""
        wanted = [node for node in self._filter.nodesOf(self._scene) if node is not without]
        first = 1 if self._flags["none"] else 0
        self._changing = True
        self._setEdges(first)
        known = [self._combo.itemData(i, _ID) for i in range(first, self._combo.count()) if self._combo.itemData(i, _ID)]
        ids = [node.GetID() for node in wanted]
        self._changing = False
        for gone in [i for i in known if i not in ids]:
            self._combo.removeItem(self._combo.findData(gone, _ID))
        for place, node in enumerate(wanted):
            if node.GetID() not in known:
                self._combo.insertItem(first + place, node.GetName(), node.GetID())
            self._combo.setItemText(first + place, node.GetName())

    def _setEdges(self, first: int) -> None:
        """The item for no node at the top, and the actions at the bottom."""
        current = self._combo.currentData(_ID)
        hasNone = self._combo.count() > 0 and self._combo.itemData(0, _ACTION) == "none"
        self._combo.blockSignals(True)
        if first and not hasNone:
            self._combo.insertItem(0, self._noneText)
            self._combo.setItemData(0, "none", _ACTION)
        if hasNone and not first:
            self._combo.removeItem(0)
        if first:
            self._combo.setItemText(0, self._noneText)
        while self._combo.count() and self._combo.itemData(self._combo.count() - 1, _ACTION) not in (None, "none"):
            self._combo.removeItem(self._combo.count() - 1)
        for action in _ACTIONS if self._scene is not None else ():
            if self._flags[action]:
                self._combo.addItem(_ACTIONS[action])
                self._combo.setItemData(self._combo.count() - 1, action, _ACTION)
        self._combo.setCurrentIndex(self._combo.findData(current, _ID) if current else (0 if first else -1))
        self._combo.blockSignals(False)

    # --- what is current

    def _nodeAt(self, index: int) -> Any:
        nodeId = self._combo.itemData(index, _ID) if index >= 0 else None
        return self._scene.GetNodeByID(nodeId) if nodeId and self._scene is not None else None

    def _onIndex(self, index: int) -> None:
        if self._changing:
            return
        node = self._nodeAt(index)
        nothing = 0 if self._flags["none"] else -1
        if node is None and index != nothing:
            # An action cannot be current: Slicer goes to the last node then.
            last = self.nodeFromIndex(self.nodeCount() - 1)
            if last is not None:
                self.setCurrentNode(last)
                return
            self._changing = True
            self._combo.setCurrentIndex(nothing)
            self._changing = False
        self.nodeChanged_.emit(node)
        self.validChanged_.emit(node is not None)
        self.idChanged_.emit(node.GetID() if node is not None else "")

    def _onActivated(self, index: int) -> None:
        action = self._combo.itemData(index, _ACTION)
        if action == "add":
            self.addNode()
        elif action == "remove":
            self.removeCurrentNode()
        elif action in (None, "none"):
            self.activated_.emit(self._nodeAt(index))

    def _onNodeAdded(self, node: Any) -> None:
        if node is None or self._scene.IsClosing():
            return
        self._observers.add(node, "ModifiedEvent", self._onNodeModified)
        if self._filter.accepts(node):
            self._refill()
            self.added_.emit(node)

    def _onNodeAboutToBeRemoved(self, node: Any) -> None:
        self._observers.remove(node)
        if self._combo.findData(node.GetID(), _ID) >= 0:
            self.removed_.emit(node)
            self._refill(without=node)

    def _onNodeModified(self) -> None:
        self._refill()

    def _onSceneEnded(self) -> None:
        # Slicer's keeps the nodes that it has yet to place: one that is gone by then crashes the application.
        tag = self._scene.AddObserver(slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, _crash)
        try:
            self._refill()
        finally:
            self._scene.RemoveObserver(tag)

    # --- what Python sees

    @scripted
    def mrmlScene(self) -> Any:
        """The scene, None before it was set."""
        return self._scene

    @scripted
    def setMRMLScene(self, scene: Any) -> None:
        """Set the scene: only now are nodes offered."""
        if scene is self._scene:
            return
        before = self._requested or self._currentId()
        self._observers.removeAll()
        self._scene = scene
        if scene is not None:
            self._observers.add(scene, slicer.vtkMRMLScene.NodeAddedEvent, self._onNodeAdded, node=True)
            self._observers.add(scene, slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, self._onNodeAboutToBeRemoved, node=True)
            for event in (slicer.vtkMRMLScene.EndCloseEvent, slicer.vtkMRMLScene.EndImportEvent):
                self._observers.add(scene, event, self._onSceneEnded)
            for node in self._filter.nodesOf(scene):
                self._observers.add(node, "ModifiedEvent", self._onNodeModified)
        self._changing = True
        self._combo.clear()
        self._refill()
        self._combo.setCurrentIndex(0 if self._flags["none"] else -1)
        self._changing = False
        self._requested = ""
        self._select(before)
        self.setEnabled(scene is not None)

    def _select(self, nodeId: str) -> None:
        index = self._combo.findData(nodeId, _ID) if nodeId else -1
        self._combo.setCurrentIndex(index if index >= 0 else (0 if self._flags["none"] else -1))

    @scripted
    def currentNode(self) -> Any:
        """The chosen node."""
        return self._nodeAt(self._combo.currentIndex())

    @scripted
    def setCurrentNode(self, node: Any) -> None:
        """Choose a node; one that is not offered, or None, chooses none."""
        if isinstance(node, str):
            raise TypeError("setCurrentNode takes a node; an ID goes to setCurrentNodeID.")
        self.setCurrentNodeID(node.GetID() if node is not None else "")

    @scripted
    def setCurrentNodeID(self, nodeId: str) -> None:
        """Choose a node by its ID; before there is a scene it is remembered."""
        if self._scene is None:
            self._requested = nodeId or ""
        self._select(nodeId or "")

    @scripted
    def setCurrentNodeIndex(self, index: int) -> None:
        """Choose a node by its place."""
        self._combo.setCurrentIndex((index if index < self.nodeCount() else -1) + (1 if self._flags["none"] else 0))

    @scripted
    def nodeCount(self) -> int:
        """How many nodes are offered."""
        return sum(1 for i in range(self._combo.count()) if self._combo.itemData(i, _ID))

    @scripted
    def nodeFromIndex(self, index: int) -> Any:
        """The node at a place."""
        return self._nodeAt(index + (1 if self._flags["none"] else 0)) if index >= 0 else None

    @scripted
    def addNode(self, nodeType: str = "") -> Any:
        """Make a node of a type that is offered, the first by default."""
        types = self._filter.types
        nodeType = nodeType or (types[0] if types else "")
        if self._scene is None or nodeType not in types:
            return None
        name = self._baseName or self._scene.GetTypeDisplayNameByClassName(nodeType)
        node = self._scene.AddNewNodeByClass(nodeType, self._scene.GenerateUniqueName(name))
        if self._selectNew:
            self.setCurrentNode(node)
        self.addedByUser_.emit(node)
        return node

    @scripted
    def removeCurrentNode(self) -> None:
        """Delete the chosen node from the scene."""
        if self.currentNode() is not None:
            self._scene.RemoveNode(self.currentNode())

    @scripted
    def addAttribute(self, nodeType: str, name: str, value: Any = None) -> None:
        """Offer only nodes with an attribute; ignored, as in Slicer, where the type is not among `nodeTypes` yet."""
        if nodeType in self._filter.types:
            self._filter.attributes[nodeType] = (name, None if value is None else str(value))
            self._refill()

    @scripted
    def removeAttribute(self, nodeType: str, name: str) -> None:
        """Take back `addAttribute`."""
        if self._filter.attributes.get(nodeType, ("", None))[0] == name:
            del self._filter.attributes[nodeType]
            self._refill()

    def _currentId(self) -> str:
        node = self.currentNode()
        return node.GetID() if node is not None else ""

    def _setFilter(self, name: str, value: Any) -> None:
        setattr(self._filter, name, [v for v in value if v] if isinstance(value, list) else value)
        self._refill()

    def _setNoneText(self, text: str) -> None:
        self._noneText = text
        self._refill()

    def _setFlag(self, name: str, value: bool) -> None:
        self._flags[name] = value
        self._refill()

    currentNodeID = Property(str, _currentId, setCurrentNodeID)
    nodeTypes = Property("QStringList", lambda self: self._filter.types, lambda self, v: self._setFilter("types", v))
    hideChildNodeTypes = Property(
        "QStringList", lambda self: self._filter.hiddenTypes, lambda self, v: self._setFilter("hiddenTypes", v)
    )
    showHidden = Property(bool, lambda self: self._filter.showHidden, lambda self, v: self._setFilter("showHidden", v))
    showChildNodeTypes = Property(
        bool, lambda self: self._filter.showChildTypes, lambda self, v: self._setFilter("showChildTypes", v)
    )
    noneEnabled = Property(bool, lambda self: self._flags["none"], lambda self, v: self._setFlag("none", v))
    addEnabled = Property(bool, lambda self: self._flags["add"], lambda self, v: self._setFlag("add", v))
    removeEnabled = Property(bool, lambda self: self._flags["remove"], lambda self, v: self._setFlag("remove", v))
    editEnabled = Property(bool, lambda self: self._flags["edit"], lambda self, v: self._setFlag("edit", v))
    renameEnabled = Property(bool, lambda self: self._flags["rename"], lambda self, v: self._setFlag("rename", v))
    noneDisplay = Property(str, lambda self: self._noneText, _setNoneText)
    baseName = Property(str, lambda self: self._baseName, lambda self, v: setattr(self, "_baseName", v))
    selectNodeUponCreation = Property(bool, lambda self: self._selectNew, lambda self, v: setattr(self, "_selectNew", v))


def _crash(_scene: Any, _event: str) -> None:
    guard.log.add("observer", "A node is removed while a node selector fills itself, which crashes Slicer.")
