"""Where things are."""

import subprocess
import sys
from pathlib import Path

import pytest

from dualssl_web.paths import LibraryNotFoundError, default_home, library_folder


def test_the_library_and_the_engine_are_those_of_the_checkout():
    script = "import dualssl_web, DualSSLSegmentationLib, dualssl, sys; assert not {'torch', 'slicer'} & set(sys.modules)"
    script += "; print(DualSSLSegmentationLib.__file__, dualssl.__file__, sep='\\n')"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    checkout = Path(__file__).resolve().parents[2]
    library, engine = (Path(line) for line in run.stdout.splitlines())
    assert library.parent.parent == checkout / "DualSSLSegmentation"
    assert engine.parent.parent == checkout / "train"


def test_a_checkout_that_is_not_whole_says_so(tmp_path):
    with pytest.raises(LibraryNotFoundError, match="make setup"):
        library_folder(tmp_path)


@pytest.mark.parametrize(
    ("platform", "variables", "home"),
    [
        ("linux", {}, ".local/share/DualSSLSegmentation"),
        ("linux", {"XDG_DATA_HOME": "relative"}, ".local/share/DualSSLSegmentation"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/DualSSLSegmentation"),
        ("darwin", {}, "Library/Application Support/DualSSLSegmentation"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/DualSSLSegmentation"),
        ("win32", {}, "AppData/Local/DualSSLSegmentation"),
    ],
)
def test_a_persons_files_are_where_the_system_keeps_such(platform, variables, home):
    assert default_home(variables, platform) == Path.home() / home
