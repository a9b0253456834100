"""Set the engine up, see that it works, add a model, and take away what was downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from dualssl.errors import DualSSLError
from dualssl.version import __version__
from DualSSLSegmentationLib.compat import applicationVersion
from DualSSLSegmentationLib.panels.common import JobDisplay, agreed, allow, pushButton, row, section, warn
from DualSSLSegmentationLib.setup.diagnostics import Diagnostics
from DualSSLSegmentationLib.setup.interpreters import programIn

if TYPE_CHECKING:
    from DualSSLSegmentationLib.application.qtWorkspace import QtWorkspace
    from DualSSLSegmentationLib.jobs.jobState import JobState
    from DualSSLSegmentationLib.setup.engineInstall import SetupOutcome
    from DualSSLSegmentationLib.setup.engineSetup import InterpreterState


class SetupPanel:
    """Nothing is installed or removed without a list and a yes.

    It is made before the others, which ask it whether the engine is ready, and comes last in the panel: see `addTo`.

    Args:
        application: the workspace and what it stands on.
    """

    def __init__(self, application: QtWorkspace) -> None:
        self._application = application
        self._workspace = application.workspace
        self._host = application.host
        self._installation: Any = None
        self._checked: dict[str, Any] = {}
        self._stops = [self._workspace.onJob.add(self._job)]
        self._made = False

    def addTo(self, layout: Any) -> None:
        """Make the panel at the end of a layout."""
        self.section, form = section(_("Set-up"), layout)
        self._display = JobDisplay(form, "setup")
        self.setUpButton = pushButton(_("Set up..."), "", self._setUp, "setUpButton")
        self.wheelsButton = pushButton(_("Without internet..."), "", self._setUpFromWheels, "wheelsButton")
        form.addRow(row(self.setUpButton, self.wheelsButton))
        self.interpreterButton = pushButton(_("Other Python..."), "", self._choose, "interpreterButton")
        self.ownButton = pushButton(_("Slicer's Python"), "", self._useOwn, "ownButton")
        form.addRow(row(self.interpreterButton, self.ownButton))
        self.modelButton = pushButton(
            _("Add a model..."), _("Copy a model folder to your models"), self._addModel, "addModelButton"
        )
        self.checkButton = pushButton(_("Self-check"), "", self._check, "checkButton")
        form.addRow(row(self.modelButton, self.checkButton))
        self.copyButton = pushButton(
            _("Copy diagnostics"), _("Versions, devices and log, without names and paths"), self._copy, "copyButton"
        )
        self.removeButton = pushButton(_("Remove downloads..."), "", self._remove, "removeButton")
        form.addRow(row(self.copyButton, self.removeButton))
        self._made = True
        self.section.collapsed = True
        self._enable()

    def close(self) -> None:
        """Listen no more, and stop an installation that goes on."""
        for stop in self._stops:
            stop()
        if self._installation is not None:
            self._installation.cancel()

    def look(self) -> None:
        """Ask the interpreter, if that has not been done."""
        if self._host.state is None:
            self.say(_("Looking at the engine's Python..."))
            self._host.check(self._seen, self.say)

    def ready(self) -> bool:
        """Whether the engine can run; where it cannot, the person is told and shown what is missing.

        An interpreter that has not answered yet is given the benefit of the doubt: the worker says what is wrong.
        """
        state = self._host.state
        if state is None or state.ready:
            return True
        self.section.collapsed = False
        self._install(None, state.sentence())
        return False

    @property
    def said(self) -> str:
        """What is said there."""
        return str(self._display.status.text)

    def say(self, text: str) -> None:
        """Say something at the top of the panel."""
        self._display.say(text)
        self._enable()

    def diagnostics(self) -> str:
        """What "Copy diagnostics" copies."""
        places = self._workspace.places
        checked = {**self._checked.get("versions", {}), "device": self._checked.get("device", "not checked")}
        state = self._host.state
        if state is not None:
            checked["interpreter"] = state.sentence()
        kept = {"models": places.registry, "cases": places.library, "runs": places.runs}
        return Diagnostics(applicationVersion(), __version__, checked, (), kept, self._application.log.lines()).text()

    def _seen(self, state: InterpreterState) -> None:
        self.say(state.sentence())
        if not state.ready:
            self.section.collapsed = False

    def _enable(self) -> None:
        if not self._made:
            return
        state, checking = self._host.state, self._workspace.busy("check")
        busy = _("Wait until the installation has ended") if self._installation is not None else ""
        complete = busy
        if not busy and state is None:
            complete = _("The engine's Python has not answered yet")
        if not busy and state is not None and state.ready:
            complete = _("Nothing is missing")
        allow(self.setUpButton, _("Show what is missing, and install it after a yes"), complete)
        allow(self.wheelsButton, _("Install what is missing from a folder of wheels"), complete)
        allow(self.interpreterButton, _("Run the engine in another Python that has what it needs"), busy)
        own = busy or ("" if self._host.chosen is not None else _("The engine runs in Slicer's own Python"))
        allow(self.ownButton, _("Run the engine in Slicer's own Python again"), own)
        self.checkButton.text = _("Cancel") if checking else _("Self-check")
        tip = _("Stop the check") if checking else _("Segment a tiny generated case from end to end")
        allow(self.checkButton, tip, busy)
        allow(self.removeButton, _("Show what this extension has installed, and remove it after a yes"), busy)

    def _setUp(self) -> None:
        self._install(None)

    def _setUpFromWheels(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder of wheels"))
        if folder:
            self._install(Path(folder))

    def _install(self, wheels: Path | None, why: str = "") -> None:
        if why:
            self.say(why)
        try:
            plan = self._host.plan(wheels)
            if agreed("\n\n".join([*([why] if why else []), plan.text(), _("Install them now?")])):
                self._installation = self._host.install(plan, self.say, self._installed)
        except DualSSLError as error:
            warn(str(error))
        self._enable()

    def _installed(self, outcome: SetupOutcome) -> None:
        self._installation = None
        self.say(outcome.message)
        if not outcome.ok and not outcome.cancelled:
            warn(outcome.message)

    def _choose(self) -> None:
        answer = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), _("Python with what the engine needs"))
        if not answer:
            return
        program = programIn(Path(answer))
        if program is None:
            warn(_("{path} is no Python: choose its executable.").format(path=answer))
            return
        self._application.chooseInterpreter(program)
        self.look()

    def _useOwn(self) -> None:
        self._application.chooseInterpreter(None)
        self.look()

    def _addModel(self) -> None:
        if not self.ready():
            return
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder of a model"))
        if not folder:
            return
        try:
            self._workspace.addModel(Path(folder), self._added)
        except DualSSLError as error:
            warn(str(error))

    def _added(self, name: str) -> None:
        self.say(_("'{name}' is there to segment with.").format(name=name))

    def _check(self) -> None:
        if self._workspace.busy("check"):
            self._workspace.cancel("check")
            return
        if not self.ready():
            return
        try:
            self._workspace.selfCheck({"model": None, "device": "auto"}, self._checkedOut)
        except DualSSLError as error:
            warn(str(error))
        self._enable()

    def _job(self, kind: str, state: JobState | None) -> None:
        if kind == "check" and self._made:
            self._display.show(state)
            self._enable()

    def _checkedOut(self, answer: dict[str, Any]) -> None:
        self._checked = answer
        seconds = answer["seconds"]
        self.say(
            _("The engine works on {device}: {first} s for a tiny case, {again} s for the next.").format(
                device=str(answer["device"]).split(",")[0], first=f"{seconds['predict']:.1f}", again=f"{seconds['again']:.1f}"
            )
        )

    def _copy(self) -> None:
        qt.QApplication.clipboard().setText(self.diagnostics())
        self.say(_("Diagnostics are in the clipboard."))

    def _remove(self) -> None:
        try:
            removal = self._host.removal()
            if removal.empty:
                self.say(removal.text())
            elif agreed("\n\n".join([removal.text(), _("Remove them now?")])):
                self._installation = _Removing(self._host.remove(removal, self.say, self._installed))
        except DualSSLError as error:
            warn(str(error))
        self._enable()


class _Removing:
    """A removal that goes on; it is cancelled as an installation is."""

    def __init__(self, cancel: Any) -> None:
        self.cancel = cancel
