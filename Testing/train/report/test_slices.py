from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.geometry import Geometry
from dualssl.labels import Label, LabelTable
from dualssl.prediction.results import Prediction, Seconds
from dualssl.report.contents import ReportCase
from dualssl.report.figures import drawing, label_text, new_figure, png_bytes, rendered
from dualssl.report.marks import place_marks
from dualssl.report.slices import shown_regions, slice_figure
from dualssl.report.views import telling_view
from dualssl.review.regions import RegionSettings, find_regions
from dualssl.volumes.volume import Volume

ORANGE = (230, 159, 0)
FLIPPED = ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0))
DPI = 100


def case_of(label, geometry, *, truth=None, entropy=None, kl=None, image=None, min_volume_ml=0.0) -> ReportCase:
    zeros = np.zeros(geometry.shape, np.float32)
    entropy = zeros if entropy is None else entropy
    kl = zeros if kl is None else kl
    values = {"geometry": geometry, "label": label, "label_a": label, "label_b": label, "entropy": entropy, "kl": kl}
    prediction = Prediction(**values, js=kl, seconds=Seconds(0, 1, 0), device="cpu", windows=1, window=(8, 8, 8))
    regions = find_regions(entropy, kl, label, geometry, RegionSettings(min_volume_ml=min_volume_ml))
    picture = zeros if image is None else image
    return ReportCase("case", Volume(picture, geometry), truth, prediction, regions)


def one_label() -> LabelTable:
    return LabelTable((Label(1, "square", ORANGE),))


def pixel(figure, panel: int, down_mm: float, right_mm: float):
    """Mean colour (RGB) of 3 x 3 pixels of a panel at a place in mm from its upper left corner."""
    pixels = rendered(figure, DPI)
    x, y = figure.axes[panel].transData.transform((right_mm, down_mm))
    row, column = pixels.shape[0] - 1 - round(y), round(x)
    return pixels[row - 1 : row + 2, column - 1 : column + 2].reshape(-1, 3).mean(axis=0)


def is_close(color, wanted, tolerance=40) -> bool:
    return bool(np.all(np.abs(np.asarray(color, float) - wanted) < tolerance))


@pytest.fixture
def a_square_in_a_black_volume():
    """A grid of 1 x 2 x 1 mm (k, j, i) whose rows are twice as far apart as its columns."""
    geometry = Geometry((5, 30, 60), (2.0, 2.0, 1.0))
    label = np.zeros(geometry.shape, np.uint8)
    label[2, 10:20, 20:40] = 1
    return label, geometry


def test_a_blob_on_the_patients_left_and_front_is_on_the_right_and_on_top_of_an_axial_slice():
    geometry = Geometry((5, 40, 40), (2.0, 1.0, 1.0))
    image = np.zeros(geometry.shape, np.float32)
    # LPS: i grows to the patient's left, j to the back.
    image[:, 5:12, 26:34] = 100
    figure = slice_figure(case_of(np.zeros(geometry.shape, np.uint8), geometry, image=image), one_label())
    assert pixel(figure, 0, 8, 30).min() > 200
    assert pixel(figure, 0, 8, 10).max() < 50
    assert pixel(figure, 0, 32, 30).max() < 50
    assert [t.get_text() for t in figure.axes[0].texts][:4] == ["A", "P", "R", "L"]


def test_a_grid_that_runs_the_other_way_gives_the_same_picture():
    geometry = Geometry((5, 40, 40), (2.0, 1.0, 1.0))
    image = np.zeros(geometry.shape, np.float32)
    image[:, 5:12, 26:34] = 100
    turned = Geometry((5, 40, 40), (2.0, 1.0, 1.0), (39.0, 39.0, 0.0), FLIPPED)
    background = np.zeros(geometry.shape, np.uint8)
    first = slice_figure(case_of(background, geometry, image=image), one_label())
    second = slice_figure(case_of(background, turned, image=np.ascontiguousarray(image[:, ::-1, ::-1])), one_label())
    np.testing.assert_array_equal(rendered(first, 60), rendered(second, 60))


@pytest.mark.parametrize(
    ("spacing", "plane", "edges"),
    [
        ((3.0, 1.0, 1.0), "axial", ("A", "P", "R", "L")),
        ((1.0, 3.0, 1.0), "coronal", ("S", "I", "R", "L")),
        ((1.0, 1.0, 3.0), "sagittal", ("S", "I", "A", "P")),
        ((1.0, 1.0, 1.0004), "axial", ("A", "P", "R", "L")),
    ],
)
def test_the_slice_lies_across_the_coarsest_axis_with_the_patient_upright(spacing, plane, edges):
    geometry = Geometry((12, 13, 14), spacing)
    view = telling_view(case_of(np.zeros(geometry.shape, np.uint8), geometry))
    assert (view.plane, view.edges) == (plane, edges)
    # Superior, posterior and left of every voxel, in its own picture.
    superior, posterior, left = np.indices(geometry.shape)
    rows = {"axial": posterior, "coronal": -superior, "sagittal": -superior}[plane]
    columns = {"axial": left, "coronal": left, "sagittal": posterior}[plane]
    assert np.all(np.diff(view.of(rows), axis=0) == 1)
    assert np.all(np.diff(view.of(columns), axis=1) == 1)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    axes=st.sampled_from(list(permutations(range(3)))),
    signs=st.sampled_from(list(product((-1.0, 1.0), repeat=3))),
    seed=st.integers(0, 99),
)
def test_the_picture_does_not_depend_on_how_the_voxels_are_stored(axes, signs, seed):
    rng = np.random.default_rng(seed)
    plain = Geometry((6, 8, 9), (2.5, 1.0, 1.5))
    label = (rng.random(plain.shape) < 0.02).astype(np.uint8)
    truth = (rng.random(plain.shape) < 0.02).astype(np.uint8)
    view = telling_view(case_of(label, plain, truth=truth))
    # The same voxels with their axes in another order, some of them reversed.
    flips = [axis for axis in range(3) if signs[axis] < 0]
    stored = [np.flip(a.transpose(axes), flips) for a in (label, truth)]
    matrix = np.eye(4)
    for new, old in enumerate(axes):
        column = plain.ijk_to_lps[:, 2 - old]
        matrix[:, 2 - new] = column * signs[new]
        if signs[new] < 0:
            matrix[:3, 3] += column[:3] * (plain.shape[old] - 1)
    other = telling_view(case_of(stored[0], Geometry.from_ijk_to_lps(matrix, stored[0].shape), truth=stored[1]))
    assert (other.plane, other.index, other.spacing) == (view.plane, view.index, view.spacing)
    np.testing.assert_array_equal(other.of(stored[0]), view.of(label))


def test_the_slice_is_the_one_with_most_errors_else_the_first_region_else_most_foreground():
    geometry = Geometry((9, 12, 12), (2.0, 1.0, 1.0))
    label = np.zeros(geometry.shape, np.uint8)
    label[3, 2:9, 2:9] = 1
    entropy = np.zeros(geometry.shape, np.float32)
    entropy[5, 4:6, 4:6] = 1
    truth = label.copy()
    truth[7, 3:5, 3] = 1
    truth[1, 3, 3] = 1
    assert telling_view(case_of(label, geometry, truth=truth, entropy=entropy)).index == 7
    assert telling_view(case_of(label, geometry, truth=label, entropy=entropy)).index == 5
    assert telling_view(case_of(label, geometry, entropy=entropy)).index == 5
    assert telling_view(case_of(label, geometry)).index == 3
    assert telling_view(case_of(np.zeros_like(label), geometry)).index == 4


def test_far_surroundings_are_cut_off_and_a_millimetre_is_as_long_down_as_across(a_square_in_a_black_volume):
    _, geometry = a_square_in_a_black_volume
    wide = Geometry((5, 150, 300), geometry.spacing)
    label = np.zeros(wide.shape, np.uint8)
    label[2, 70:80, 140:160] = 1
    view = telling_view(case_of(label, wide))
    # 20 x 20 mm and 18 mm around.
    assert (view.rows, view.columns) == (slice(61, 89), slice(122, 178))
    panel = slice_figure(case_of(label, wide), one_label(), view).axes[0]
    (x0, y0), (x1, y1) = panel.transData.transform([(0, 0), (10, 10)])
    assert abs(x1 - x0) == pytest.approx(abs(y1 - y0), rel=1e-3)


def test_the_outline_of_a_square_runs_along_its_border_in_the_labels_colour(a_square_in_a_black_volume):
    label, geometry = a_square_in_a_black_volume
    case = case_of(label, geometry)
    figure = slice_figure(case, one_label())
    view = telling_view(case)
    top = (10 - view.rows.start) * 2.0
    left = 20 - view.columns.start
    assert is_close(pixel(figure, 1, top, left + 10), ORANGE, 70)
    assert is_close(pixel(figure, 1, top + 20, left + 10), ORANGE, 70)
    assert is_close(pixel(figure, 1, top + 10, left), ORANGE, 70)
    assert is_close(pixel(figure, 1, top + 10, left + 20), ORANGE, 70)
    assert pixel(figure, 1, top + 10, left + 10).max() < 30
    assert pixel(figure, 0, top, left + 10).max() < 30


def test_the_truth_is_a_white_line_of_its_own(a_square_in_a_black_volume):
    label, geometry = a_square_in_a_black_volume
    truth = np.zeros_like(label)
    truth[2, 10:20, 25:40] = 1
    case = case_of(label, geometry, truth=truth)
    view = telling_view(case)
    row, column = (15 - view.rows.start) * 2.0, 25 - view.columns.start
    color = pixel(slice_figure(case, one_label()), 1, row, column)
    assert color.min() > 60
    assert np.ptp(color) < 15
    alone = pixel(slice_figure(case_of(label, geometry), one_label(), view), 1, row, column)
    assert alone.max() < 30


def test_an_enclosed_structures_outline_is_not_hidden_by_its_surroundings():
    geometry = Geometry((5, 40, 40), (2.0, 1.0, 1.0))
    label = np.zeros(geometry.shape, np.uint8)
    label[2, 10:30, 10:30] = 2
    label[2, 15:25, 15:25] = 1
    table = LabelTable((Label(1, "inner", (255, 0, 0)), Label(2, "outer", (0, 0, 255))))
    figure = slice_figure(case_of(label, geometry), table)
    assert is_close(pixel(figure, 1, 15, 20), (255, 0, 0), 90)
    assert is_close(pixel(figure, 1, 10, 20), (0, 0, 255), 90)


def test_heat_maps_are_transparent_where_the_networks_are_sure_and_lighter_where_they_are_not(a_square_in_a_black_volume):
    label, geometry = a_square_in_a_black_volume
    entropy = np.full(geometry.shape, 0.05, np.float32)
    entropy[2, 5:10, 10:20] = 0.5
    entropy[2, 5:10, 40:50] = 1.0
    case = case_of(label, geometry, entropy=entropy, kl=3 * entropy * (entropy > 0.1))
    view = telling_view(case)
    figure = slice_figure(case, one_label())
    down = 15 - 2.0 * view.rows.start
    for panel in (2, 3):
        sure, half, unsure = (pixel(figure, panel, down, x - view.columns.start).sum() for x in (30, 15, 45))
        assert sure < 60
        assert sure + 60 < half < unsure - 60
    assert pixel(figure, 1, down, 45 - view.columns.start).max() < 30


def test_regions_in_the_slice_are_numbered_and_told_apart_by_kind(a_square_in_a_black_volume):
    label, geometry = a_square_in_a_black_volume
    entropy, kl = (np.zeros(geometry.shape, np.float32) for _ in range(2))
    entropy[2, 4:9, 22:32] = 1.0
    kl[2, 22:25, 30:38] = 3.0
    entropy[0, 0:3, 0:3] = 1.0
    case = case_of(label, geometry, entropy=entropy, kl=kl)
    view = telling_view(case)
    assert len(case.regions) == 3
    assert {r.kind for r in shown_regions(case, view)} == {"ambiguous", "conflict"}
    figure = slice_figure(case, one_label(), view)
    numbers = {t.get_text() for t in figure.axes[4].texts}
    assert numbers == {str(region.id) for region in shown_regions(case, view)}
    legend = [t.get_text() for t in figure.axes[4].get_legend().get_texts()]
    assert legend == ["ambiguous", "conflict"]


def test_numbers_stand_inside_the_picture_off_the_regions_and_apart():
    ids = np.zeros((60, 60), int)
    ids[0:4, 0:4], ids[0:4, 6:9], ids[30:34, 50:60], ids[36:40, 52:60] = 1, 2, 3, 4
    marks = place_marks(ids, [1, 2, 3, 4], (1.0, 1.0))
    places = np.array([mark.text_at for mark in marks])
    assert np.all((places > 1) & (places < 59))
    assert all(ids[int(row), int(column)] == 0 for row, column in places)
    assert min(np.linalg.norm(a - b) for n, a in enumerate(places) for b in places[:n]) > 3
    assert all(ids[int(mark.at[0]), int(mark.at[1])] == mark.id for mark in marks)


@pytest.mark.parametrize("known", [True, False])
def test_four_structures_with_and_without_truth(known):
    geometry = Geometry((6, 40, 40), (4.0, 1.0, 1.0))
    label = np.zeros(geometry.shape, np.uint8)
    for value in range(1, 5):
        label[1:5, 4:34, 8 * value - 4 : 8 * value] = value
    table = LabelTable(tuple(Label.named(f"structure {value}", value) for value in range(1, 5)))
    truth = np.roll(label, 1, axis=1) if known else None
    figure = slice_figure(case_of(label, geometry, truth=truth), table)
    named = [t.get_text() for t in figure.axes[1].get_legend().get_texts()]
    assert named == [*table.names, *(["truth"] if known else [])]
    # Nothing that was drawn hangs over the figure's edge.
    width, height = figure.canvas.get_width_height()
    for panel in figure.axes:
        box = panel.get_tightbbox(figure.canvas.get_renderer())
        assert box.x0 > -2
        assert box.y0 > -2
        assert box.x1 < width + 2
        assert box.y1 < height + 2


def test_a_picture_that_would_be_too_large_is_made_to_fit():
    with drawing():
        figure = new_figure(2, 2)
        noise = np.random.default_rng(0).random((200, 200))
        figure.add_axes((0, 0, 1, 1)).imshow(noise, cmap="gray", interpolation="nearest")
        whole = png_bytes(figure, 10**6)
        assert len(whole) > 30_000
        assert 10_000 < len(png_bytes(figure, 30_000)) <= 30_000


def test_names_in_figures_are_short_lines_that_a_legend_does_not_swallow():
    assert label_text("_a\nb") == " _a b"
    assert label_text("x" * 99, 10) == "x" * 9 + "…"
