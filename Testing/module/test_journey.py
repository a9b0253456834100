"""A person's way through the module, with real clicks, a real worker and a small model that really segments."""

import pytest

SEGMENTED = 90.0
SAVED = 60.0
TRAINED = 120.0
"""How long to wait for the engine, in seconds; it takes a tenth of it."""
BACKGROUND = (0.15, 0.25)
OTHER_BACKGROUND = (0.85, 0.25)
"""Where in the red view the sphere is not."""
BRUSH = 8.0
"""Diameter of the brush in mm, several voxels: Slicer's default, a share of the view, can miss every voxel's centre here."""


@pytest.fixture
def at_work(a_person, a_model_at_home, scene):
    """A person who has opened the module on the image of a sphere."""
    import slicer

    from trainedModels import addSphere

    # As loading a volume does.
    slicer.util.setSliceViewerLayers(background=addSphere(scene), fit=True)
    return a_person()


@pytest.fixture
def after_segmenting(at_work):
    """The same after a segmentation."""
    at_work.click("segmentButton")
    at_work.waitUntil(lambda: at_work.workspace.session is not None, SEGMENTED)
    at_work.turn()
    return at_work


@pytest.fixture
def with_a_brush(after_segmenting):
    """The same with Paint in hand."""
    takeBrush(after_segmenting)
    return after_segmenting


def takeBrush(person):
    """Take Paint with a brush that cannot miss."""
    person.click("Paint")
    person.widget("PaintBrushDiameter").setValue(BRUSH)
    person.turn()


def test_a_volume_is_segmented_and_its_regions_are_listed(at_work):
    assert at_work.widget("segmentButton").text() == "Segment"
    at_work.click("segmentButton")
    assert at_work.widget("segmentButton").text() == "Cancel"
    assert at_work.widget("segmentBar").isVisible()
    at_work.waitUntil(lambda: at_work.workspace.session is not None, SEGMENTED)
    at_work.turn()
    assert at_work.widget("segmentButton").text() == "Segment"
    assert not at_work.widget("segmentBar").isVisible()
    assert len(at_work.reads("regionTable")) == len(at_work.workspace.session.review.entries()) > 0


def test_overlays_go_on_and_off_and_their_sliders_act(after_segmenting, windows):
    person = after_segmenting
    red = windows.sliceViews["Red"]

    def look():
        person.turn()
        return red.pixels().astype(int)

    person.click("overlay_off")
    plain = look()
    assert not person.widget("overlayOpacity").isEnabled()
    person.click("overlay_entropy")
    shown = look()
    assert abs(shown - plain).sum() > 0
    person.widget("overlayOpacity").setProperty("value", 0.1)
    fainter = look()
    assert 0 < abs(fainter - plain).sum() < abs(shown - plain).sum()
    person.widget("entropyThreshold").setProperty("value", 1.0)
    assert abs(look() - plain).sum() < abs(fainter - plain).sum()
    assert not person.widget("klThreshold").isEnabled()
    person.click("overlay_both")
    assert person.widget("klThreshold").isEnabled()
    person.click("overlaySurface")
    assert len(colouredSurfaces()) == 1
    person.click("overlaySurface")
    assert not colouredSurfaces()


def colouredSurfaces():
    import slicer

    return [node for node in slicer.util.getNodesByClass("vtkMRMLModelNode") if " surface by " in node.GetName()]


def test_regions_are_reviewed_with_the_table_and_the_buttons(after_segmenting):
    person = after_segmenting
    session = person.workspace.session
    count = len(person.reads("regionTable"))
    assert not person.widget("acceptButton").isEnabled()
    assert "Next" in person.widget("acceptButton").toolTip()
    person.clickRow("regionTable", count - 1)
    assert session.current.id == session.review.entries()[-1].region.id
    person.click("nextButton")
    assert session.current.id == session.review.entries()[0].region.id
    person.click("acceptButton")
    assert person.reads("regionTable")[0][4] == "accepted"
    person.clickRow("regionTable", 0)
    person.click("flagButton")
    assert person.reads("regionTable")[0][4] == "flagged"
    person.clickRow("regionTable", 0)
    person.click("reopenButton")
    assert person.reads("regionTable")[0][4] == "open"
    assert not person.widget("reopenButton").isEnabled()


def test_answers_are_taken_and_undone(after_segmenting):
    person = after_segmenting
    person.click("nextButton")
    for name, words in (("takeA", "network A taken"), ("takeB", "network B taken"), ("takeMean", "mean taken")):
        person.click(name)
        assert words in person.reads("regionTable")[0][4]
    edits = person.workspace.session.edits.voxels
    person.click("takeB")
    assert person.workspace.session.edits.voxels > edits
    person.click("UndoButton")
    assert person.workspace.session.edits.voxels == edits


def test_a_stroke_is_counted_held_inside_a_region_and_undone(after_segmenting):
    person = after_segmenting
    session = person.workspace.session
    assert "Nothing" in person.widget("editSummary").text()
    person.click("nextButton")
    person.click("onlyInside")
    assert session.onlyInsideRegion
    assert person.widget("SegmentsTableView").rowCount() == 1
    person.click("Erase")
    person.paint(at=BACKGROUND)
    assert session.edits.voxels == 0
    person.click("onlyInside")
    takeBrush(person)
    person.paint(at=BACKGROUND)
    person.waitUntil(lambda: "voxels changed" in person.widget("editSummary").text(), 10)
    assert session.edits.voxels > 0
    person.click("UndoButton")
    person.waitUntil(lambda: "Nothing" in person.widget("editSummary").text(), 10)
    assert session.edits.voxels == 0


def test_segmenting_again_keeps_a_persons_voxels(with_a_brush):
    person = with_a_brush
    session = person.workspace.session
    person.paint(at=BACKGROUND)
    person.waitUntil(lambda: session.edits.voxels > 0, 10)
    mine = session.edits.voxels
    person.click("segmentButton")
    person.waitUntil(lambda: not person.workspace.busy("segment"), SEGMENTED)
    person.turn()
    assert person.workspace.session is session
    assert session.edits.voxels == mine
    person.click("UndoButton")
    person.turn()
    assert session.edits.voxels == mine


def test_a_corrected_case_is_saved_twice_and_fine_tuned_from(with_a_brush, home):
    from dualssl.cases import CaseLibrary

    person = with_a_brush
    assert not person.widget("fineTuneButton").isEnabled()
    person.unfold("saveCaseButton")
    assert "reviewer" in person.widget("saveCaseButton").toolTip()
    person.type("reviewerLine", "Reader")
    assert not person.widget("wholeCase").isChecked()
    for version, place in ((1, BACKGROUND), (2, OTHER_BACKGROUND)):
        before = person.workspace.session.edits.voxels
        person.paint(at=place)
        assert person.workspace.session.edits.voxels > before
        person.click("saveCaseButton")
        person.waitUntil(lambda: not person.workspace.busy("save"), SAVED)
        assert f"version {version}" in person.widget("saveStatus").text()
    with CaseLibrary.open(home / "cases") as library:
        assert len(library.label_versions("Sphere")) == 2
    person.unfold("fineTuneButton")
    person.widget("iterations").setValue(2)
    person.click("prove")
    person.click("fineTuneButton")
    assert person.widget("fineTuneButton").text() == "Cancel"
    person.waitUntil(lambda: not person.workspace.busy("finetune"), TRAINED)
    assert person.widget("trainingCurves").isVisible()
    assert "not compared" in person.widget("comparisonReason").text()
    assert not person.widget("activateButton").isEnabled()
    versions = person.widget("modelBox").count()
    person.click("discardButton")
    assert not person.widget("discardButton").isEnabled()
    person.waitUntil(lambda: not person.workspace.busy("models"), SAVED)
    assert person.widget("modelBox").count() == versions - 1


def test_a_case_that_nobody_looked_at_is_not_saved(after_segmenting):
    person = after_segmenting
    person.type("reviewerLine", "Reader")
    assert not person.widget("saveCaseButton").isEnabled()
    assert "looked at" in person.widget("saveCaseButton").toolTip()
    person.click("wholeCase")
    assert person.widget("saveCaseButton").isEnabled()
    person.click("wholeCase")
    assert not person.widget("saveCaseButton").isEnabled()
    takeBrush(person)
    person.paint(at=BACKGROUND)
    assert person.widget("saveCaseButton").isEnabled()
    person.click("UndoButton")
    assert not person.widget("saveCaseButton").isEnabled()
    person.click("nextButton")
    person.click("acceptButton")
    assert person.widget("saveCaseButton").isEnabled()
