"""The page as it is served: every control has a name, nothing comes from elsewhere, and every variable is there."""

import re
from html.parser import HTMLParser

import pytest

from dualssl_web.choices import PARTS
from dualssl_web.page import ASSETS, THEME

CONTROLS = {
    "v-btn",
    "v-select",
    "v-text-field",
    "v-checkbox",
    "v-slider",
    "v-range-slider",
    "input",
    "button",
    "v-number-input",
}
NAMING = {"aria-label", ":aria-label", "label", ":label"}
# trame-slicer's own, inside the segment editor: without names of their own as far as they are not replaced.
FOREIGN = (
    "SegmentEditorState|EffectState|IslandsState|SmoothingState|LogicalOperators|ThresholdState|MaskState|SegmentEditState"
)


class Controls(HTMLParser):
    """Controls of a template: tag, attributes, and the text inside."""

    def __init__(self, template):
        super().__init__()
        self.found, self._open, self.ids = [], [], []
        self.feed(template)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if "id" in named:
            self.ids.append(named["id"])
        entry = [tag, named, ""]
        self._open.append(entry)
        if tag in CONTROLS:
            self.found.append(entry)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self._open.pop()

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if not any(entry[0] == "v-tooltip" for entry in self._open):
            for entry in self._open:
                entry[2] += data.strip()


@pytest.fixture
def template(a_person):
    return a_person.app.page.html


def test_every_control_has_a_name(template):
    nameless = [
        (tag, attributes)
        for tag, attributes, text in Controls(template).found
        if not text and not NAMING & set(attributes) and not re.search(FOREIGN, str(attributes)) and "append" not in attributes
    ]
    # Of trame-slicer's folds and colour dialog.
    assert [attributes for _tag, attributes in nameless if "id" in attributes] == []
    assert len(nameless) <= 6, nameless


def test_no_id_stands_twice(template):
    ids = Controls(template).ids
    # Two states of one line, of which only one is in the page at a time.
    assert {i for i in ids if ids.count(i) > 1} <= {i for i in ids if i.endswith("-status")}


def test_all_parts_are_there_in_their_order(template):
    assert re.findall(r'id="part-(\w+)"', template) == list(PARTS)


def test_nothing_comes_from_elsewhere(a_person, template):
    served = template + str(a_person.app.bench.server.state.trame__favicon)
    assert not re.findall(r"(?:src|href)=\"?(?:https?:)?//", served)
    for path in ASSETS.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text.replace("httpRequest", "").replace("XMLHttpRequest", ""), path


def test_every_variable_of_the_template_has_a_value(a_person, template):
    state = a_person.app.bench.server.state
    used = set(re.findall(r"\b([a-z]+_view|jobs|said|notice|question|busy_opening|upload|curves_svg|top_state)\b", template))
    assert {"segment_view", "review_view", "jobs", "said"} <= used
    assert {name for name in used if not state.has(name)} == set()


def test_every_offer_of_the_template_is_one(a_person, template):
    state = a_person.app.bench.server.state
    for name, path in set(re.findall(r"\b(\w+_view)((?:\.\w+|\[0\])+)\.hint", template)):
        value = state[name]
        for part in re.findall(r"\w+", path):
            value = value[int(part)] if part.isdigit() else value[part]
        assert set(value) == {"enabled", "hint"}, (name, path)
        assert value["hint"]


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("text", ["#ffffff", "primary", "quiet", "success", "warning", "error"])
@pytest.mark.parametrize("ground", ["background", "surface"])
def test_text_can_be_read(text, ground):
    """Contrast as WCAG 2.2 defines it: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    colours = THEME["colors"]
    low, high = sorted((luminance(colours.get(text, text)), luminance(colours[ground])))
    assert (high + 0.05) / (low + 0.05) >= 4.5


@pytest.mark.parametrize("ground", ["primary", "error"])
def test_text_on_buttons_can_be_read(ground):
    colours = THEME["colors"]
    low, high = sorted((luminance(colours[ground]), luminance(colours[f"on-{ground}"])))
    assert (high + 0.05) / (low + 0.05) >= 4.5
