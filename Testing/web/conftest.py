"""Servers, and what speaks to them: `aiohttp` where requests are what is tested, a real browser where pages are."""

import importlib.util
import json
import os
import shutil
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume
from webServer import STAND_IN, WebServer, cookieOf, runApart


def _of_train():
    """The fixtures of the engine's tests."""
    place = Path(__file__).resolve().parents[1] / "train" / "conftest.py"
    description = importlib.util.spec_from_file_location("fixtures_of_train", place)
    module = importlib.util.module_from_spec(description)
    description.loader.exec_module(module)
    return module


write_dicom_series = _of_train().write_dicom_series

CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def start_server(tmp_path):
    """Starts servers; `script=None` is the application itself, otherwise a small one stands in. They are gone afterwards."""
    servers = []

    def start(*arguments, script=STAND_IN, home=None, browser="--no-browser", **environment):
        folder = home or tmp_path / f"home é {len(servers)}"
        words = [str(word) for word in (*arguments, browser) if word]
        servers.append(WebServer(words, folder, script, environment))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="module")
def a_server(tmp_path_factory):
    """The stand-in's server, for tests that leave it as it is."""
    server = WebServer(["--max-upload-mb", "3", "--no-browser"], tmp_path_factory.mktemp("home"), STAND_IN)
    yield server
    server.close()


@pytest.fixture(scope="module")
def a_running_server(tmp_path_factory):
    """The application with its sample case."""
    pytest.importorskip("slicer", reason="there is no slicer-core for this system")
    server = WebServer(["--no-browser"], tmp_path_factory.mktemp("home"))
    yield server
    assert server.end() == 0, server.output
    server.close()


@pytest.fixture
def notes_of():
    """What a stand-in has noted, in order."""

    def notes(server):
        path = server.home / "notes.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    return notes


@pytest.fixture
def fetch():
    """Makes one request as a program would that is no browser, follows no redirect, and returns (response, text)."""

    def request(method, url, **options):
        async def go():
            timeout = aiohttp.ClientTimeout(total=120)
            async with (
                aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout) as session,
                session.request(method, url, allow_redirects=False, **options) as response,
            ):
                return response, await response.text()

        return runApart(go())

    return request


@pytest.fixture
def ticket_of(fetch):
    """The cookie that a server gives for its token."""

    def ticket(server):
        response, _ = fetch("GET", server.url)
        assert response.status == 303
        return cookieOf(response)

    return ticket


@pytest.fixture(scope="module")
def a_browser():
    """Chromium; skips where there is none. Not for the whole session: it keeps an event loop in the tests' thread."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: `make test` installs it for root on Debian, or install the package chromium")
    # Chromium keeps its own sandbox from root.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def a_page(a_browser):
    """An empty page of a browser that nobody has used before. Its faults and requests are kept: `faults`, `requested`."""
    context = a_browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.faults, page.requested = [], []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda message: page.faults.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: page.requested.append(request.url))
    page.on("websocket", lambda socket: page.requested.append(socket.url))
    yield page
    context.close()


@pytest.fixture
def a_volume():
    """An int16 image whose voxels all differ, on a grid that DICOM can describe."""
    shape = (5, 8, 12)
    voxels = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    return Volume(voxels, Geometry(shape, (2.5, 1.25, 0.75), (10.0, -20.0, 30.0)))


@pytest.fixture
def a_volume_file(a_volume, tmp_path):
    """Writes the volume in the format of a name."""

    def write(name="image.nrrd"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_volume(a_volume, path)
        return path

    return write


@pytest.fixture
def dicom_slices(write_dicom_series, a_volume, tmp_path):
    """The volume as DICOM slices: files with shuffled names in a folder of their own, in order of slices."""
    return write_dicom_series(tmp_path / "CT head", a_volume)
