"""A case that comes back with its voxels in another order, as Slicer hands over a left-handed volume that it has loaded."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from dualssl.cases import CaseLibrary, PredictionFiles
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.review import Region
from dualssl.volumes.orient import Orientation
from dualssl.volumes.volume import Volume
from dualssl.worker.jobs.correction import Correction, on_known_image

ATRIUM = LabelTable.from_dataset_json({"background": 0, "left atrium": 1})
ORDERS = [
    Orientation(axes, flips)
    for axes in itertools.permutations(range(3))
    for flips in itertools.product((False, True), repeat=3)
]
SHAPE = (4, 5, 6)


def in_order(volume, order):
    """The same image with its voxels in another order."""
    return Volume(order.apply(volume.array), order.of_geometry(volume.geometry))


def region_of(mask):
    """A region with its indices, as the module hands it over."""
    places = np.argwhere(mask.array)
    centre = places[len(places) // 2]
    return {
        "id": 1,
        "centre_ras": mask.geometry.kji_to_ras(centre).tolist(),
        "centre_kji": centre.tolist(),
        "start_kji": places.min(axis=0).tolist(),
        "stop_kji": (places.max(axis=0) + 1).tolist(),
        "state": "accepted",
    }


def correction_of(grid, seed=0):
    """A case on a grid: a different number in each voxel, and labels, maps and a region without symmetry."""
    random = np.random.default_rng(seed)

    def volume(array):
        return Volume(array, grid)

    image = volume(random.permutation(int(np.prod(grid.shape))).astype(np.int16).reshape(grid.shape))
    labels, predicted, mask = (volume(random.integers(0, 2, grid.shape).astype(np.uint8)) for _ in range(3))
    entropy, kl = (volume(random.random(grid.shape, np.float32)) for _ in range(2))
    place = np.zeros(grid.shape, bool)
    place[1:3, 2:5, 3:5] = True
    return Correction(
        library=Path("/library"),
        create=False,
        case="a",
        group=None,
        images=[image, volume(image.array * 2)],
        channel_names=("MRI", "T2"),
        structures=ATRIUM,
        labels=labels,
        prediction=PredictionFiles(labels=predicted, entropy=entropy, kl=kl, model_id="m"),
        edit_mask=mask,
        reviewer="R",
        started=None,
        regions_reviewed=[region_of(volume(place)), {"region": 2}],
        notes="",
    )


def reordered(case, order):
    """The same case as a program with another order of voxels hands it over."""
    region = case.regions_reviewed[0]
    member = np.zeros(case.labels.array.shape, bool)
    member[tuple(slice(a, b) for a, b in zip(region["start_kji"], region["stop_kji"], strict=True))] = True
    moved = in_order(Volume(member, case.labels.geometry), order)
    centre = moved.geometry.ras_to_kji(region["centre_ras"]).round().astype(int).tolist()
    indices = {key: region_of(moved)[key] for key in ("start_kji", "stop_kji")} | {"centre_kji": centre}
    return replace(
        case,
        images=[in_order(image, order) for image in case.images],
        labels=in_order(case.labels, order),
        prediction=replace(
            case.prediction,
            **{name: in_order(getattr(case.prediction, name), order) for name in ("labels", "entropy", "kl")},
        ),
        edit_mask=in_order(case.edit_mask, order),
        regions_reviewed=[region | indices, {"region": 2}],
    )


def volumes_of(case):
    prediction = case.prediction
    return [*case.images, case.labels, prediction.labels, prediction.entropy, prediction.kl, case.edit_mask]


@st.composite
def grids(draw):
    turn = draw(st.one_of(st.just((0, 0, 0)), st.just((0, 0, 45)), st.tuples(*[st.floats(-90, 90)] * 3)))
    direction = Rotation.from_euler("xyz", turn, degrees=True).as_matrix() * draw(st.sampled_from([1.0, -1.0]))
    spacing = draw(st.tuples(*[st.sampled_from([0.5, 1.0, 2.5])] * 3))
    origin = draw(st.tuples(*[st.floats(-200, 200)] * 3))
    return Geometry(SHAPE, spacing, origin, tuple(tuple(map(float, row)) for row in direction))


@settings(deadline=None, max_examples=10, derandomize=True)
@given(grid=grids(), seed=st.integers(0, 99))
def test_whatever_the_order_of_its_voxels_a_case_comes_back_to_the_grid_of_the_library(grid, seed):
    case = correction_of(grid, seed)
    for order in ORDERS:
        found = on_known_image(reordered(case, order), case.images)
        assert found is not None, order
        for volume, expected in zip(volumes_of(found), volumes_of(case), strict=True):
            np.testing.assert_array_equal(volume.array, expected.array)
            assert volume.geometry == grid
        assert found.regions_reviewed == case.regions_reviewed
        assert (found.case, found.notes, found.prediction.model_id) == ("a", "", "m")


@pytest.mark.parametrize("order", ORDERS[:3] + ORDERS[-3:])
def test_another_image_is_another_in_every_order(order):
    case = correction_of(Geometry(SHAPE, (2.0, 1.0, 0.5)))
    given = reordered(case, order)
    other = given.images[0].array.copy()
    other[0, 0, 0] += 1
    assert (
        on_known_image(replace(given, images=[Volume(other, given.images[0].geometry), given.images[1]]), case.images) is None
    )
    assert on_known_image(replace(given, images=given.images[:1]), case.images) is None


def test_a_mirrored_image_is_another_image():
    """Its voxels lie elsewhere in the patient, though its array is one that an order of voxels could give."""
    case = correction_of(Geometry(SHAPE))
    mirrored = [Volume(image.array[:, :, ::-1], image.geometry) for image in case.images]
    assert on_known_image(replace(case, images=mirrored), case.images) is None


def test_an_image_that_lies_elsewhere_is_another_image():
    case = correction_of(Geometry(SHAPE))
    for grid in (Geometry(SHAPE, origin=(0, 0, 0.5)), Geometry(SHAPE, (1.1, 1.0, 1.0))):
        assert on_known_image(replace(case, images=[Volume(v.array, grid) for v in case.images]), case.images) is None


def test_a_region_of_the_engine_keeps_its_voxels(region_json):
    case = correction_of(Geometry(SHAPE))
    given = replace(reordered(case, ORDERS[-1]), regions_reviewed=[region_json])
    (found,) = on_known_image(given, case.images).regions_reviewed
    centre = given.images[0].geometry.kji_to_ras(region_json["centre_kji"])
    np.testing.assert_allclose(case.images[0].geometry.kji_to_ras(found["centre_kji"]), centre, atol=1e-9)
    assert Region.from_json(found).voxels == region_json["voxels"]


@pytest.fixture
def region_json():
    region = Region(
        id=1,
        kind="conflict",
        voxels=2,
        volume_ml=0.1,
        score=1.0,
        mean_entropy=0.5,
        peak_entropy=0.5,
        mean_kl=0.5,
        peak_kl=0.5,
        centre_ras=(1.0, 2.0, 3.0),
        centre_kji=(1, 2, 3),
        start_kji=(1, 2, 3),
        stop_kji=(2, 3, 4),
        labels=(1,),
    )
    return region.to_json()


def test_the_worker_saves_a_left_handed_case_again_on_the_grid_of_its_first_image(engine, handed_over, tmp_path):
    left_handed = Geometry(SHAPE, (2.0, 1.0, 1.0), direction=((1, 0, 0), (0, 1, 0), (0, 0, -1)))
    case = correction_of(left_handed)
    order = Orientation((0, 1, 2), (True, False, False))

    def saved(given):
        return engine.ask(
            "save_case",
            library=str(tmp_path / "library"),
            create=True,
            case="a",
            images=[handed_over(given.images[0])],
            labels_table=ATRIUM.to_json(),
            labels=handed_over(given.labels),
            prediction={"label": handed_over(given.prediction.labels), "model_sha256": "ab" * 32},
            edit_mask=handed_over(given.edit_mask),
            reviewer="R",
            regions_reviewed=given.regions_reviewed,
        ).result["version"]

    assert saved(case) == 1
    assert saved(reordered(case, order)) == 2
    with CaseLibrary.open(tmp_path / "library") as library:
        first, second = library.label_versions("a")
        for version in (first, second):
            np.testing.assert_array_equal(library.read_labels("a", version.number).array, case.labels.array)
            np.testing.assert_array_equal(library.read_edit_mask("a", version.number).array, case.edit_mask.array)
            assert version.regions_reviewed == tuple(case.regions_reviewed)
            assert version.voxels_changed_total == first.voxels_changed_total > 0
        assert len(library.predictions("a")) == 1
