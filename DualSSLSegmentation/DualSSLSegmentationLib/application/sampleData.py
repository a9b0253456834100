"""Sample data: a phantom case, generated on the computer without a download and offered in Slicer's module Sample Data."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dualssl.errors import DualSSLError
from dualssl.files import output_error
from DualSSLSegmentationLib.compat import homeFolder, registerSampleDataCategory, slicerInterpreter
from DualSSLSegmentationLib.enginePath import MODULE_FOLDER, engineFolder
from DualSSLSegmentationLib.setup.commands import Cancel, Command, Finished, Runner
from DualSSLSegmentationLib.setup.downloads import Downloads
from DualSSLSegmentationLib.setup.interpreters import Interpreter

CATEGORY = "DualSSLSegmentation"
SAMPLE = "DualSSLPhantom"
THUMBNAIL = MODULE_FOLDER / "Resources" / "Icons" / f"{SAMPLE}.png"
PHANTOM_CASE = 999
"""Number of the case: of the population that default phantom datasets are drawn from, beyond the cases they hold."""

_SECONDS = 120.0
_SCRIPT = """
import sys
from pathlib import Path
from dualssl.phantoms.case import generate_case
from dualssl.phantoms.settings import PhantomSettings
from dualssl.volumes.write import write_volume
write_volume(generate_case(PhantomSettings(), int(sys.argv[2])).image, Path(sys.argv[1]))
"""

_log = logging.getLogger(__name__)


def samplePath(home: Path) -> Path:
    """Where the sample volume is kept."""
    return home / "SampleData" / f"{SAMPLE}.nrrd"


def register(run: Runner | None = None) -> None:
    """Offer the sample in the application, made by its own Python and loaded when it is there.

    Args:
        run: runs the child process; by default the application's event loop does.
    """
    import slicer

    if run is None:
        from DualSSLSegmentationLib.application.qtRunner import QtRunner

        run = QtRunner()
    home = homeFolder()

    busy = False

    def load(path: Path) -> None:
        nonlocal busy
        busy = False
        slicer.util.loadVolume(str(path), {"name": SAMPLE})

    def tell(text: str) -> None:
        nonlocal busy
        busy = False
        slicer.util.errorDisplay(text)

    def make() -> None:
        nonlocal busy
        if busy:
            return
        busy = True
        try:
            makeSample(run, slicerInterpreter(), engineFolder(), home, load, tell)
        except DualSSLError as error:
            tell(str(error))

    registerSampleData(home, THUMBNAIL, make)


def registerSampleData(home: Path, thumbnail: Path, onWanted: Callable[[], None]) -> None:
    """Offer a sample in the module Sample Data, once the application has started up. A second call changes nothing.

    Args:
        home: the person's own folder.
        thumbnail: picture of the sample.
        onWanted: called when a person asks for it: makes and loads it.
    """
    import SampleData

    logic = SampleData.SampleDataLogic
    registerSampleDataCategory(logic, CATEGORY, "DualSSL Segmentation")
    if any(source.sampleName == SAMPLE for source in logic.sampleDataSourcesByCategory(CATEGORY)):
        return

    def wanted(_source: Any) -> None:
        onWanted()

    logic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=SAMPLE,
        thumbnailFileName=str(thumbnail),
        # For scripts: `SampleData.downloadSample` ignores `customDownloader` and copies the file, once it was made.
        uris=samplePath(home).absolute().as_uri(),
        fileNames=f"{SAMPLE}.nrrd",
        nodeNames=SAMPLE,
        customDownloader=wanted,
    )


def makeSample(
    run: Runner,
    interpreter: Interpreter,
    engine: Path,
    home: Path,
    onDone: Callable[[Path], None],
    onError: Callable[[str], None],
) -> Cancel:
    """Generate the sample volume in a child process, unless it is there; it takes some seconds and needs no torch.

    Args:
        run: runs the child process.
        interpreter: with numpy, scipy and SimpleITK, as Slicer's has.
        engine: folder that holds the package `dualssl`.
        home: the person's own folder. The file is recorded there, so that it can be removed again.
        onDone: told the file.
        onError: told a sentence.

    Returns:
        A function that cancels.
    """
    path = samplePath(home)
    if path.is_file():
        onDone(path)
        return lambda: None

    def ended(finished: Finished) -> None:
        if finished.code != 0 or not path.is_file():
            _log.error("The sample data were not made: %s", finished.errors)
            onError(f"The sample data could not be made ({_lastLine(finished.errors)}): the log has the details.")
            return
        try:
            Downloads(home).addFile(path)
        except DualSSLError as error:
            onError(str(error))
            return
        onDone(path)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        onError(str(output_error(path, error)))
        return lambda: None
    return run(_command(interpreter, engine, path), lambda _: None, ended)


def _command(interpreter: Interpreter, engine: Path, path: Path) -> Command:
    return interpreter.command(("-c", _SCRIPT, str(path), str(PHANTOM_CASE)), engine, _SECONDS)


def _lastLine(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no reason was given")
