"""The application itself, as `make app` starts it."""

import signal
import sys

import pytest


def test_the_page_appears_and_asks_nobody_else(a_running_server, a_page):
    a_page.goto(a_running_server.url)
    a_page.wait_for_selector("canvas, img", state="attached")
    own = (a_running_server.site, a_running_server.site.replace("http", "ws"), "data:", "blob:")
    assert [url for url in a_page.requested if not url.startswith(own)] == []
    assert a_page.faults == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals of this kind")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_asked_and_leaves_nothing(start_server, how):
    pytest.importorskip("slicer", reason="there is no slicer-core for this system")
    server = start_server(script=None)
    assert server.url
    assert server.end(how) == 0, server.output
    assert list((server.home / "sessions").glob("session-*")) == []
