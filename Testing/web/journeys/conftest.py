"""A person at the page of a real server, with a real browser and a real mouse.

All tests of a file share one server, so each asks for what it needs by a fixture and compares with what it finds.
"""

import io
import re
import time

import numpy as np
import pytest

pytest.importorskip("slicer", reason="there is no slicer-core for this system")
sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
images = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

PATIENCE = 60_000
"""Milliseconds, also on a busy machine."""
UNTOUCHED = "Nothing has been changed by hand."


class PersonAtPage:
    """Presses, drags, paints and types, and reads what the page says.

    Args:
        page: of Playwright.
        server: that serves it.

    Attributes:
        page, server: as given.
        faults: that the page's console told.
        requested: addresses that the page asked for.
    """

    def __init__(self, page, server):
        self.page, self.server = page, server
        self.faults, self.requested = [], []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("websocket", lambda socket: self.requested.append(socket.url))

    def opens(self, address=None):
        """The page, until there is a volume that can be segmented."""
        self.page.goto(address or self.server.url)
        self.sees("#segment-button:not([aria-disabled=true])")
        return self

    def control(self, identity):
        """What has an id."""
        return self.page.locator(f"#{identity}")

    def presses(self, identity):
        """A button, as soon as it can be used."""
        self.sees(f"#{identity}:not([aria-disabled=true]):not([disabled])").click()
        # Tool tips would lie over what is pressed next.
        self.page.mouse.move(2, 2)

    def sees(self, selector):
        """The first of what matches, once it is visible."""
        found = self.page.locator(selector).first
        found.wait_for(state="visible")
        return found

    def reads(self, identity, text):
        """Waits until a text stands there: a part of it, or a regular expression."""
        sync_api.expect(self.control(identity)).to_contain_text(text, timeout=PATIENCE)

    def text(self, identity):
        """What stands there now."""
        return self.control(identity).inner_text()

    def unfolds(self, part):
        """A panel."""
        body = self.page.locator(f"#part-{part} .part-body")
        if not body.is_visible():
            self.control(f"fold-{part}").click()
            body.wait_for(state="visible")

    def types(self, identity, text):
        """In a field, instead of what stands there."""
        self.control(identity).fill(text)
        self.control(identity).press("Tab")

    def ticks(self, identity, ticked=True):
        """A box; until the server has heard of it."""
        self.control(identity).set_checked(ticked)
        check = sync_api.expect(self.control(identity))
        (check.to_be_checked if ticked else check.not_to_be_checked)(timeout=PATIENCE)

    def paints(self, start, end, view="axial"):
        """One stroke with the mouse, between two places given as parts of the view's width and height."""
        box = self.view(view).bounding_box()
        points = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        self.page.mouse.move(*points[1], steps=6)
        self.page.mouse.up()

    def drags(self, identity, fraction):
        """A slider's thumb along its track, to a fraction of its length."""
        slider = self.page.locator(f".v-input:has(#{identity})")
        slider.scroll_into_view_if_needed()
        track, thumb = (slider.locator(f".v-slider-{part}").bounding_box() for part in ("track", "thumb"))
        self.page.mouse.move(thumb["x"] + thumb["width"] / 2, thumb["y"] + thumb["height"] / 2)
        self.page.mouse.down()
        self.page.mouse.move(track["x"] + track["width"] * fraction, track["y"] + track["height"] / 2, steps=8)
        self.page.mouse.up()
        self.page.mouse.move(2, 2)

    def view(self, name="axial"):
        """The picture of a view."""
        return self.page.locator(f".layout-grid-item:has(#reset-{name}) img.image-display-area")

    def picture(self, name="axial"):
        """What a view shows: (height, width, 3)."""
        picture = images.open(io.BytesIO(self.view(name).screenshot())).convert("RGB")
        return np.asarray(picture, dtype=np.int16)

    def waits_for(self, condition, what):
        """Until something is so; the page goes on meanwhile."""
        end = time.monotonic() + PATIENCE / 1000
        while not condition():
            assert time.monotonic() < end, f"it did not come about: {what}"
            self.page.wait_for_timeout(50)

    def quiet_picture(self, name="axial"):
        """What a view shows once it shows the same twice: a finer picture follows a coarse one."""
        kept = [None, self.picture(name)]

        def same():
            kept[:] = [kept[1], self.picture(name)]
            return np.array_equal(*kept)

        self.page.wait_for_timeout(300)
        self.waits_for(same, "a picture that stays")
        return kept[1]

    def sees_change(self, before, name="axial"):
        """Waits until a view shows something else, and returns by how much: the share of its pixels."""

        def share():
            now = self.picture(name)
            return float((np.abs(now - before).max(axis=2) > 24).mean()) if now.shape == before.shape else 1.0

        self.waits_for(lambda: share() > 0.002, f"a change in the view {name}")
        return share()

    def changed_voxels(self):
        """How many voxels the page says were changed by hand."""
        found = re.match(r"([\d,]+) voxels changed by hand", self.text("edit-summary"))
        return int(found[1].replace(",", "")) if found else 0

    def decided(self):
        """How many regions the page says are decided, and how many of them flagged."""
        return tuple(
            int(number) for number in re.findall(r"(\d+) of \d+ regions decided, (\d+) flagged", self.text("review-summary"))[0]
        )

    def current(self):
        """The row of the region in front: its id, and its text."""
        row = self.page.locator("tr[aria-current=true]")
        row.wait_for()
        return row.get_attribute("id"), row.inner_text()

    def goes_on(self):
        """Presses Next, and returns the region that is in front after that."""
        rows = self.page.locator("tr[aria-current=true]")
        before = rows.get_attribute("id") if rows.count() else None
        self.presses("review-next")
        self.waits_for(lambda: rows.count() and rows.get_attribute("id") != before, "another region in front")
        return rows.get_attribute("id")

    def segments(self):
        """Segments the volume that is open, where nothing has to be asked."""
        self.presses("segment-button")
        self.sees("#region-1")
        self.reads("segment-status", "Segmented with")
        self.reads("segment-button", "Segment")

    def undoes_all(self):
        """Takes back what can be taken back."""
        while self.control("undo").get_attribute("aria-disabled") != "true":
            before = self.page.evaluate(
                "() => JSON.stringify([window.trame.state.state.edit_view, window.trame.state.state.review_view])"
            )
            self.presses("undo")
            self.page.wait_for_function(
                "old => JSON.stringify([window.trame.state.state.edit_view, window.trame.state.state.review_view]) !== old",
                arg=before,
            )

    def without_hand_work(self):
        """All voxels are the model's, and no tool is in hand."""
        self.undoes_all()
        self.presses("tool-no-tool")
        self.reads("edit-summary", UNTOUCHED)


@pytest.fixture(scope="module")
def someone(a_browser, a_running_server):
    """Who has the page before them; the sample case is open."""
    context = a_browser.new_context(viewport={"width": 1400, "height": 900})
    yield PersonAtPage(context.new_page(), a_running_server).opens()
    context.close()


@pytest.fixture(scope="module")
def a_segmented_case(someone):
    """The same person, who has had it segmented."""
    someone.segments()
    return someone


@pytest.fixture
def a_case_as_segmented(a_segmented_case):
    """The same, with all voxels as the model left them."""
    a_segmented_case.without_hand_work()
    return a_segmented_case


@pytest.fixture
def a_person_at(a_browser):
    """Someone with a new browser, at any server."""
    contexts = []

    def at(server):
        contexts.append(a_browser.new_context(viewport={"width": 1400, "height": 900}))
        return PersonAtPage(contexts[-1].new_page(), server)

    yield at
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def a_saved_case(a_segmented_case):
    """A corrected case in the library."""
    person = a_segmented_case
    person.unfolds("handover")
    person.types("case-name", "phantom-01")
    person.types("reviewer", "Reviewer One")
    person.ticks("whole-case")
    person.presses("save-button")
    person.reads("save-status", "Saved as 'phantom-01', version 1.")
    return person
