"""Stand-in of the application's reading and writing of files (`slicer.app.coreIOManager()`).

It knows three kinds of file, enough for `slicer.util.loadScene`, `saveScene`, `loadVolume`, `loadSegmentation` and `saveNode`;
the work is done by the real storage nodes and the real scene.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
import vtk

_SCENE_ENDINGS = (".mrml", ".mrb")


class FileReading:
    """Reads and writes scenes (.mrml, .mrb), volumes and segmentations.

    Args:
        scene: the scene to read into and to write.
        applicationLogic: the application's logic.
        cacheFolder: where the parts of a scene bundle are unpacked.
    """

    def __init__(self, scene: Any, applicationLogic: Any, cacheFolder: Path) -> None:
        self._scene = scene
        cacheFolder.mkdir(parents=True, exist_ok=True)
        # A bundle is read through the remote IO's cache: without these two logics it is refused.
        self._remoteLogic = slicer.vtkMRMLRemoteIOLogic()
        self._remoteLogic.SetMRMLApplicationLogic(applicationLogic)
        self._remoteLogic.SetMRMLScene(scene)
        self._remoteLogic.GetCacheManager().SetRemoteCacheDirectory(str(cacheFolder))
        self._dataLogic = slicer.vtkDataIOManagerLogic()
        self._dataLogic.SetMRMLApplicationLogic(applicationLogic)
        self._dataLogic.SetMRMLScene(scene)
        self._dataLogic.SetAndObserveDataIOManager(self._remoteLogic.GetDataIOManager())
        self._remoteLogic.AddDataIOToScene()

    def fileType(self, fileName: str) -> str:
        """The kind of a file by its ending."""
        if fileName.lower().endswith(_SCENE_ENDINGS):
            return "SceneFile"
        return "SegmentationFile" if ".seg." in Path(fileName).name.lower() else "VolumeFile"

    def fileWriterFileType(self, node: Any) -> str:
        """The kind of file a node is written to."""
        return "SegmentationFile" if node.IsA("vtkMRMLSegmentationNode") else "VolumeFile"

    def loadNodes(self, fileType: str, properties: dict[str, Any], nodes: Any = None, messages: Any = None) -> bool:
        """Read a file; nodes read go into the vtkCollection `nodes`. False and a message where that fails."""
        path = str(properties["fileName"])
        if not Path(path).is_file():
            return _failed(messages, f"There is no file {path}.")
        if fileType == "SceneFile":
            return self._readScene(path, bool(properties.get("clear", False)), messages)
        className = {"VolumeFile": _volumeClass(properties), "SegmentationFile": "vtkMRMLSegmentationNode"}.get(fileType)
        if className is None:
            return _failed(messages, f"The harness reads no file of the kind {fileType}.")
        return self._readNode(path, className, properties.get("name"), nodes, messages)

    def _readScene(self, path: str, clear: bool, messages: Any) -> bool:
        if path.lower().endswith(".mrb"):
            read = self._scene.ReadFromMRB(path, clear, messages)
        else:
            self._scene.SetURL(path)
            read = self._scene.Connect(messages) if clear else self._scene.Import(messages)
        return bool(read)

    def _readNode(self, path: str, className: str, name: str | None, nodes: Any, messages: Any) -> bool:
        stem = Path(path).name.split(".")[0]
        node = self._scene.AddNewNodeByClass(className, self._scene.GenerateUniqueName(name or stem))
        storage = node.CreateDefaultStorageNode()
        self._scene.AddNode(storage)
        storage.UnRegister(None)
        storage.SetFileName(path)
        node.SetAndObserveStorageNodeID(storage.GetID())
        if not storage.ReadData(node):
            self._scene.RemoveNode(storage)
            self._scene.RemoveNode(node)
            return _failed(messages, f"{path} cannot be read as {className}.")
        node.CreateDefaultDisplayNodes()
        if nodes is not None:
            nodes.AddItem(node)
        return True

    def saveNodes(self, fileType: str, properties: dict[str, Any], messages: Any = None) -> bool:
        """Write the scene or one node (`properties["nodeID"]`) to `properties["fileName"]`."""
        path = str(properties["fileName"])
        if fileType == "SceneFile":
            return self._writeScene(path, messages)
        node = self._scene.GetNodeByID(properties["nodeID"])
        storage = node.CreateDefaultStorageNode()
        storage.UnRegister(None)
        storage.SetFileName(path)
        return bool(storage.WriteData(node)) or _failed(messages, f"{path} cannot be written.")

    def _writeScene(self, path: str, messages: Any) -> bool:
        self._scene.SetURL(path)
        self._scene.SetRootDirectory(str(Path(path).parent))
        if path.lower().endswith(".mrb"):
            return bool(self._scene.WriteToMRB(path, None, messages))
        return bool(self._scene.Commit(path, messages))


def _volumeClass(properties: dict[str, Any]) -> str:
    return "vtkMRMLLabelMapVolumeNode" if properties.get("labelmap") else "vtkMRMLScalarVolumeNode"


def _failed(messages: Any, text: str) -> bool:
    if messages is not None:
        messages.AddMessage(vtk.vtkCommand.ErrorEvent, text)
    return False
