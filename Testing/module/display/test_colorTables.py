"""Colour tables of uncertainty: what an eye sees in them, and that a scene has each once."""

import numpy as np
import pytest
import slicer

from DualSSLSegmentationLib.display.colorTables import COLORS, KINDS, SCALES, TABLE_ATTRIBUTE, colorsOf, colorTable, useScale

BYTE = 1 / 255  # a look-up table holds bytes, and so does its file

# Machado, Oliveira and Fernandes 2009: what a person without one kind of cone sees, on linear RGB.
COLOUR_BLIND = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(rgb):
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def encoded(rgb):
    clipped = np.clip(rgb, 0, 1)
    return np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)


def cielab(rgb):
    """CIE 1976 L*a*b*, D65: another colour space than the one the tables are made in."""
    toXyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
    xyz = linear(rgb) @ toXyz.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def seenBy(kind, rgb):
    return encoded(linear(rgb) @ np.array(COLOUR_BLIND[kind]).T)


@pytest.mark.parametrize("kind", KINDS)
def test_printed_in_grey_a_higher_value_is_lighter(kind):
    lightness = cielab(colorsOf(kind))[:, 0]
    assert np.all(np.diff(lightness) > 0.1)
    assert lightness[-1] - lightness[0] > 60


@pytest.mark.parametrize("kind", KINDS)
def test_equal_steps_of_the_value_look_equally_large(kind):
    steps = np.linalg.norm(np.diff(cielab(colorsOf(kind, 33)), axis=0), axis=1)
    assert steps.max() / steps.min() < 2.0


@pytest.mark.parametrize("kind", KINDS)
def test_no_colour_had_to_be_cut_to_fit_the_screen(kind):
    colors = colorsOf(kind)
    assert colors.shape == (COLORS, 3)
    assert colors.min() > 0.0
    assert colors.max() < 1.0


@pytest.mark.parametrize("person", COLOUR_BLIND)
@pytest.mark.parametrize("kind", KINDS)
def test_colour_blind_people_see_a_higher_value_lighter(kind, person):
    assert np.all(np.diff(cielab(seenBy(person, colorsOf(kind)))[:, 0]) > 0)


@pytest.mark.parametrize("person", [None, *COLOUR_BLIND])
def test_no_colour_of_one_table_can_be_taken_for_one_of_the_other(person):
    warm, cool = (cielab(colors if person is None else seenBy(person, colors)) for colors in map(colorsOf, KINDS))
    distances = np.linalg.norm(warm[:, None] - cool[None], axis=-1)
    assert distances.min() > 20


def tablesOf(scene):
    count = scene.GetNumberOfNodesByClass("vtkMRMLColorTableNode")
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLColorTableNode") for n in range(count)]
    return [node for node in nodes if node.GetAttribute(TABLE_ATTRIBUTE)]


def colorsIn(table):
    return np.array([table.GetLookupTable().GetTableValue(n) for n in range(table.GetNumberOfColors())])


def addDisplay(scene, table):
    display = scene.AddNewNodeByClass("vtkMRMLScalarVolumeDisplayNode")
    display.SetAndObserveColorNodeID(table.GetID())
    return display


def test_a_table_is_made_once_in_a_scene(scene):
    first, second = colorTable(scene, "entropy"), colorTable(scene, "entropy")
    assert first is second
    assert len(tablesOf(scene)) == 1
    assert first.GetName() == "DualSSL entropy"
    np.testing.assert_allclose(colorsIn(first)[:, :3], colorsOf("entropy"), atol=BYTE)
    assert np.all(colorsIn(first)[:, 3] == 1.0)


def test_entropy_and_kl_have_tables_of_their_own(scene):
    assert colorTable(scene, "entropy") is not colorTable(scene, "kl")


def test_a_table_is_saved_with_the_scene_and_found_again(application, scene, tmp_path):
    path = str(tmp_path / "scene.mrb")
    display = addDisplay(scene, colorTable(scene, "kl"))
    display.SetName("with the table")
    slicer.util.saveScene(path)
    application.clearScene()
    assert tablesOf(scene) == []
    slicer.util.loadScene(path)
    (loaded,) = tablesOf(scene)
    assert colorTable(scene, "kl") is loaded
    assert scene.GetFirstNodeByName("with the table").GetColorNode() is loaded
    np.testing.assert_allclose(colorsIn(loaded)[:, :3], colorsOf("kl"), atol=BYTE)


def test_loading_a_scene_twice_leaves_one_table_that_all_use(scene, tmp_path):
    path = str(tmp_path / "scene.mrb")
    addDisplay(scene, colorTable(scene, "entropy"))
    slicer.util.saveScene(path)
    storages = scene.GetNumberOfNodesByClass("vtkMRMLColorTableStorageNode")
    for _ in range(2):
        slicer.util.loadScene(path)
    assert len(tablesOf(scene)) == 3
    kept = colorTable(scene, "entropy")
    assert tablesOf(scene) == [kept]
    assert scene.GetNumberOfNodesByClass("vtkMRMLColorTableStorageNode") == storages
    displays = [scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeDisplayNode") for n in range(3)]
    assert all(display.GetColorNode() is kept for display in displays)


def test_a_table_whose_file_is_lost_is_filled_again(scene):
    table = colorTable(scene, "kl")
    table.SetNumberOfColors(0)
    assert colorTable(scene, "kl") is table
    np.testing.assert_allclose(colorsIn(table)[:, :3], colorsOf("kl"), atol=BYTE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_volume_shows_zero_to_the_top_in_the_scale(scene, kind):
    display = scene.AddNewNodeByClass("vtkMRMLScalarVolumeDisplayNode")
    useScale(display, kind)
    assert display.GetColorNode() is colorTable(scene, kind)
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0.0, SCALES[kind].top)
    assert not display.GetAutoWindowLevel()


def test_a_model_shows_zero_to_the_top_in_the_scale(scene):
    display = scene.AddNewNodeByClass("vtkMRMLModelDisplayNode")
    useScale(display, "kl")
    assert display.GetColorNode() is colorTable(scene, "kl")
    assert display.GetScalarRange() == (0.0, 2.0)
    assert display.GetScalarRangeFlag() == display.UseManualScalarRange
