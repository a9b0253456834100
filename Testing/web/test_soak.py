"""Memory over rounds of segmenting, painting and undoing: a small part of what `make bench-web` does with more of them."""

from statistics import median

import psutil
import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from webReader import VIEWPORT, WebReader, memory_of

WARM_UP, ROUNDS, LAST = 2, 5, 2
# Of some 1150 MB. Caches that fill take 1 to 2 % in these rounds; what left 20 MB behind in each of them would not pass.
MOST = 1.08


@pytest.fixture
def a_reader(a_browser, a_running_server):
    """Someone at the page of the sample case, segmented."""
    context = a_browser.new_context(viewport=VIEWPORT)
    reader = WebReader(context.new_page())
    reader.open(a_running_server.url)
    reader.segment()
    yield reader
    context.close()


@pytest.mark.slow
def test_rounds_of_segmenting_painting_and_undoing_do_not_pile_up(a_reader, a_running_server):
    server, memory = psutil.Process(a_running_server.process.pid), []
    for _ in range(WARM_UP + ROUNDS):
        a_reader.segment()
        a_reader.paint()
        a_reader.undo()
        memory.append(memory_of(server)["all"])
    assert median(memory[-LAST:]) <= MOST * memory[WARM_UP - 1], memory
