"""Files that are no volumes are refused with one sentence, and what is open stays open."""

import pytest


def told(person):
    """The sentence that lies over the page; it is closed after that."""
    text = person.sees("#notice .notice-text").inner_text()
    person.presses("close-notice")
    person.control("close-notice").wait_for(state="hidden")
    return text


@pytest.mark.parametrize("name", ["notes.nrrd", "notes.docx", "notes.nii.gz"])
def test_a_text_file_is_refused_whatever_it_is_called(someone, tmp_path, name):
    before = [someone.text("top-state"), someone.text("volume-facts")]
    path = tmp_path / name
    path.write_text("This is no image.\n", encoding="utf-8")
    someone.page.locator("#upload-file").set_input_files(path)
    sentence = told(someone)
    assert name in sentence
    assert "Traceback" not in sentence
    assert str(someone.server.home) not in sentence
    assert "\n" not in sentence.strip()
    assert sentence.strip().endswith(".")
    assert [someone.text("top-state"), someone.text("volume-facts")] == before
    assert someone.control("segment-button").get_attribute("aria-disabled") != "true"


def test_a_right_file_opens_after_that(someone, a_volume_file):
    someone.page.locator("#upload-file").set_input_files(a_volume_file("mine.nrrd"))
    someone.reads("volume-facts", "12 \N{MULTIPLICATION SIGN} 8 \N{MULTIPLICATION SIGN} 5 voxels")
    someone.reads("top-state", "mine")
