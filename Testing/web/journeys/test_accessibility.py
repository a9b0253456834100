"""The page without a mouse, and for eyes that see little: names, the order of the keyboard, contrast."""

import pytest

CONTROLS = {"button", "checkbox", "textbox", "spinbutton", "slider", "combobox", "switch", "radio", "link", "searchbox"}
PARTS = ("overlay", "review", "correct", "handover", "worklist", "finetune", "models")
# Contrast as WCAG 2.2 defines it, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio, over the grounds that lie behind a text.
CONTRAST = """element => {
  const parse = text => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = rgb => {
    const [r, g, b] = rgb.map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const grounds = [];
  for (let e = element; e; e = e.parentElement) grounds.unshift(parse(getComputedStyle(e).backgroundColor));
  let ground = [255, 255, 255];
  for (const colour of grounds) ground = over(colour, ground);
  const text = over(parse(getComputedStyle(element).color), ground);
  const [low, high] = [light(text), light(ground)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}"""


@pytest.fixture(scope="module")
def everything_unfolded(a_segmented_case):
    for part in PARTS:
        a_segmented_case.unfolds(part)
    return a_segmented_case


def test_every_control_that_the_keyboard_reaches_has_a_name(everything_unfolded):
    tools = everything_unfolded.page.context.new_cdp_session(everything_unfolded.page)
    found = []
    for node in tools.send("Accessibility.getFullAXTree")["nodes"]:
        role = node.get("role", {}).get("value")
        focusable = any(p["name"] == "focusable" and p["value"].get("value") for p in node.get("properties", ()))
        if role in CONTROLS and focusable and not node.get("ignored"):
            found.append((role, node.get("name", {}).get("value", "").strip()))
    assert len(found) > 40
    assert [role for role, name in found if not name] == []


def test_the_keyboard_goes_from_the_top_to_segment(everything_unfolded):
    page = everything_unfolded.page
    page.evaluate("() => { document.activeElement?.blur(); window.getSelection().removeAllRanges(); }")
    page.locator("#layout-axial").focus()
    reached = []
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("() => document.activeElement.id"))
        if reached[-1] == "segment-button":
            break
    order = (
        "fold-case",
        "volume",
        "case",
        "upload-button",
        "sample-button",
        "fold-segment",
        "model",
        "device",
        "segment-button",
    )
    assert [identity for identity in reached if identity in order] == list(order)


@pytest.mark.parametrize(
    "selector",
    [
        "#segment-button .v-btn__content",
        "#review-accept .v-btn__content",
        "#upload-button .v-btn__content",
        "#overlay-entropy .v-btn__content",
        "#fold-review span:not([class])",
        "#model-note",
        "#volume-facts",
        "#review-summary",
        "#region-1 td",
        "#segment-list .segment-name",
        "#top-state",
        "#part-overlay .slider-label",
        "#library-folder",
        ".take-row legend",
    ],
)
def test_text_can_be_read(everything_unfolded, selector):
    text = everything_unfolded.sees(selector)
    assert text.inner_text().strip()
    assert text.evaluate(CONTRAST) >= 4.5
