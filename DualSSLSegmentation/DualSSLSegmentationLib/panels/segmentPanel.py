"""Choose a volume and a model, and segment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.display.navigation import crossing
from DualSSLSegmentationLib.jobs.segmenting import SegmentRequest
from DualSSLSegmentationLib.panels.common import JobDisplay, connect, note, offer, pushButton, row, say, section, warn
from DualSSLSegmentationLib.presentation.deviceOffers import AUTOMATIC, DeviceOffer, deviceOffers
from DualSSLSegmentationLib.presentation.mergeQuestion import mergeFor, needsAsking
from DualSSLSegmentationLib.presentation.regionView import RegionView, regionSize, regionView
from DualSSLSegmentationLib.presentation.segmentView import SegmentView, resultText, segmentView
from DualSSLSegmentationLib.scene.roi import isOurs, placeRegion, roiBounds, setAdjustable, watchRegion

if TYPE_CHECKING:
    from collections.abc import Callable

    from DualSSLSegmentationLib.jobs.jobState import JobState
    from DualSSLSegmentationLib.jobs.modelCatalogue import ModelChoice
    from DualSSLSegmentationLib.review.caseSession import CaseSession
    from DualSSLSegmentationLib.review.protection import MergeChoice
    from DualSSLSegmentationLib.workspace import Workspace


class SegmentPanel:
    """Segment and Cancel are one button, so that the eye need not leave it.

    Args:
        workspace: what it drives.
        layout: where it goes.
        askMerge: asked how a new result and a person's work are to come together, given how many voxels they changed; returns a
            `MergeChoice`, `"new"` for a segmentation of its own, or None to let it be.
        ready: asked before a start whether the engine can run; returns False after telling why.
    """

    def __init__(
        self,
        workspace: Workspace,
        layout: Any,
        askMerge: Callable[[int], MergeChoice | str | None],
        ready: Callable[[], bool],
    ) -> None:
        self._workspace = workspace
        self._parameters: Any = None
        self._askMerge = askMerge
        self._ready = ready
        self._choices: tuple[ModelChoice, ...] = ()
        self._devices: tuple[DeviceOffer, ...] = ()
        self._filling = False
        self._stopWatching: Callable[[], None] | None = None
        self.section, form = section(_("Segment"), layout)
        self.imageSelector = self._selector("vtkMRMLScalarVolumeNode", "imageSelector", _("Volume to segment"))
        form.addRow(_("Volume:"), self.imageSelector)
        self.modelBox = qt.QComboBox()
        self.modelBox.objectName = "modelBox"
        # A long name shall not make the panel wider.
        self.modelBox.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        form.addRow(_("Model:"), self.modelBox)
        self.modelNote = note("modelNote")
        form.addRow(self.modelNote)
        self.roiSelector = self._selector("vtkMRMLMarkupsROINode", "roiSelector", _("Segment only inside this region"))
        self.roiSelector.noneEnabled = True
        self.roiSelector.noneDisplay = _("Whole volume")
        self.placeButton = pushButton(_("Place region"), "", self._place, "placeRegionButton")
        form.addRow(_("Region:"), row(self.roiSelector, self.placeButton))
        self.sizeNote = note("sizeNote")
        form.addRow(self.sizeNote)
        self.deviceBox = qt.QComboBox()
        self.deviceBox.objectName = "deviceBox"
        self.deviceBox.toolTip = _("Where to compute; Automatic takes a GPU if there is one")
        form.addRow(_("Device:"), self.deviceBox)
        self.button = pushButton(_("Segment"), "", self._clicked, "segmentButton")
        form.addRow(self.button)
        self._display = JobDisplay(form, "segment")
        connect(self.imageSelector, "currentNodeChanged(vtkMRMLNode*)", self._imageChosen)
        connect(self.roiSelector, "currentNodeChanged(vtkMRMLNode*)", self._roiChosen)
        connect(self.modelBox, "currentIndexChanged(int)", self._modelChosen)
        connect(self.deviceBox, "currentIndexChanged(int)", self._deviceChosen)
        self._stops = [
            workspace.onJob.add(self._job),
            workspace.onModels.add(self.refreshModels),
            workspace.onCase.add(self._caseOpened),
            workspace.devices.onChange.add(self._showDevices),
        ]
        self._showDevices()
        self.refreshModels()

    def close(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()
        self._watch(None)

    def setParameters(self, parameters: Any) -> None:
        """Show another parameter node, or None between two scenes."""
        self._parameters = parameters
        if parameters is None:
            self._watch(None)
        self.refresh()

    def refresh(self) -> None:
        """Show what the parameter node says."""
        if self._parameters is None:
            return
        self._filling = True
        self.imageSelector.setCurrentNode(self._parameters.image)
        self.roiSelector.setCurrentNode(self._parameters.roi)
        self._filling = False
        self._watch(self._parameters.roi)
        self._showDevices()
        self._showModel()
        self._enable()

    def refreshModels(self) -> None:
        """Look at the disk for models."""
        self._choices = self._workspace.models.choices()
        self._filling = True
        self.modelBox.clear()
        for choice in self._choices:
            self.modelBox.addItem(choice.title)
        self._filling = False
        self._showModel()
        self._enable()

    def chosenModel(self) -> ModelChoice | None:
        """The model that is chosen."""
        index = self.modelBox.currentIndex
        return self._choices[index] if 0 <= index < len(self._choices) else None

    def chosenDevice(self) -> str:
        """As the engine knows it: `auto`, `cpu`, `cuda`, `cuda:1`."""
        return self._devices[max(0, self.deviceBox.currentIndex)].id

    def useDefaultModel(self) -> None:
        """Choose the model that is in use, whatever was chosen before."""
        if self._parameters is not None:
            self._parameters.model = ""
        self.refreshModels()

    @property
    def said(self) -> str:
        """What is said there."""
        return str(self._display.status.text)

    def say(self, text: str) -> None:
        """Say something below the button."""
        self._display.say(text)

    def _selector(self, nodeType: str, name: str, toolTip: str) -> Any:
        selector = slicer.qMRMLNodeComboBox()
        selector.objectName = name
        selector.nodeTypes = [nodeType]
        selector.showChildNodeTypes = False
        selector.addEnabled = False
        selector.removeEnabled = False
        selector.renameEnabled = False
        selector.toolTip = toolTip
        selector.setMRMLScene(self._workspace.scene)
        return selector

    def _imageChosen(self, node: Any) -> None:
        if not self._filling and self._parameters is not None:
            self._parameters.image = node
        self._enable()

    def _roiChosen(self, node: Any) -> None:
        if not self._filling and self._parameters is not None:
            self._parameters.roi = node
            self._watch(node)
            self._enable()

    def _place(self) -> None:
        """Give the chosen region its handles back; or place it, or a new one, where the slice views cross."""
        image, region = self.imageSelector.currentNode(), self.roiSelector.currentNode()
        if self._regionView().adjusts:
            setAdjustable(region, True)
            self._enable()
            return
        # What a person drew by other means stays where it is, and another one is placed beside it.
        own = region if region is not None and isOurs(region) else None
        try:
            placed = placeRegion(image, regionSize(self.chosenModel()), crossing(self._workspace.views.sliceNodes()), own)
        except DualSSLError as error:
            self.say(str(error))
            return
        self.roiSelector.setCurrentNode(placed)

    def _watch(self, region: Any) -> None:
        """Follow a region's place and size, or none."""
        if self._stopWatching is not None:
            self._stopWatching()
        self._stopWatching = None if region is None else watchRegion(region, self._showRegion)

    def _showRegion(self) -> None:
        view = self._regionView()
        self.placeButton.text = view.button
        offer(self.placeButton, view.press)
        say(self.sizeNote, view.note)

    def _deviceChosen(self, index: int) -> None:
        if not self._filling and self._parameters is not None:
            self._parameters.device = self._devices[index].id

    def _showDevices(self) -> None:
        """The devices that are known by now, and the chosen one."""
        chosen = AUTOMATIC if self._parameters is None else self._parameters.device
        offers = deviceOffers(self._workspace.devices.listed, chosen)
        self._filling = True
        if offers != self._devices:
            self._devices = offers
            self.deviceBox.clear()
            for device in offers:
                self.deviceBox.addItem(device.title)
        self.deviceBox.currentIndex = next((index for index, device in enumerate(offers) if device.id == chosen), 0)
        self._filling = False

    def _modelChosen(self, index: int) -> None:
        if self._filling:
            return
        if self._parameters is not None and 0 <= index < len(self._choices):
            self._parameters.model = self._choices[index].id
        self._showModel()
        self._enable()

    def _showModel(self) -> None:
        """Bring the box to the model that the parameters name, or to the one in use."""
        wanted = "" if self._parameters is None else self._parameters.model
        known = [choice.id for choice in self._choices]
        default = self._workspace.models.default()
        chosen = wanted if wanted in known else (default.id if default is not None else "")
        self._filling = True
        self.modelBox.currentIndex = known.index(chosen) if chosen in known else -1
        self._filling = False
        view = self._view()
        offer(self.modelBox, view.chooseModel)
        say(self.modelNote, view.modelNote)

    def _enable(self) -> None:
        running = self._workspace.busy("segment")
        for widget in (self.imageSelector, self.roiSelector, self.deviceBox):
            widget.enabled = not running
        self.modelBox.enabled = bool(self._choices) and not running
        view = self._view()
        self.button.text = view.button
        offer(self.button, view.press)
        self._showRegion()

    def _view(self) -> SegmentView:
        image, choice = self.imageSelector.currentNode(), self.chosenModel()
        region = self.roiSelector.currentNode()
        return segmentView(self._workspace.busy("segment"), image, choice, bool(self._choices), region)

    def _regionView(self) -> RegionView:
        image, region = self.imageSelector.currentNode(), self.roiSelector.currentNode()
        return regionView(self._workspace.busy("segment"), image, self.chosenModel(), region)

    def _clicked(self) -> None:
        if self._workspace.busy("segment"):
            self._workspace.cancel("segment")
            return
        image, choice = self.imageSelector.currentNode(), self.chosenModel()
        if image is None or choice is None or not self._ready():
            return
        try:
            roi = self.roiSelector.currentNode()
            request = SegmentRequest(
                image=image,
                model=choice.folder,
                device=self.chosenDevice(),
                roi=None if roi is None else roiBounds(roi, image),
            )
            session, answer = self._workspace.session, None
            if session is not None and needsAsking(session, image):
                answer = self._askMerge(session.edits.voxels)
                if answer is None:
                    return
            self._workspace.segment(request, mergeFor(session, image, answer))
        except (DualSSLError, ValueError) as error:
            self.say(str(error))
            warn(str(error))
        self._enable()

    def _job(self, kind: str, state: JobState | None) -> None:
        if kind == "segment":
            self._display.show(state)
            self._enable()

    def _caseOpened(self, session: CaseSession | None) -> None:
        self.say(resultText(session))
        region = self.roiSelector.currentNode()
        if session is not None and region is not None and isOurs(region):
            # What there is to see now is the result, and clicks are for its correction; a frame of the region stays.
            setAdjustable(region, False)
