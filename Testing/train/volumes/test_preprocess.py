import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.errors import VolumeError
from dualssl.geometry import Geometry
from dualssl.model.manifest import Normalisation, Preprocessing
from dualssl.volumes.crop import crop
from dualssl.volumes.normalise import affine_for, normalise
from dualssl.volumes.preprocess import prepare, prepare_label_map
from dualssl.volumes.volume import Volume

property_test = settings(deadline=None, max_examples=40, derandomize=True)
SLOPE = np.array([0.7, -1.3, 0.4])
WIDE = Normalisation("window", -2000, 2000)
spacings = st.tuples(*[st.floats(0.8, 3.0)] * 3)


def places(grid):
    return grid.kji_to_ras(np.moveaxis(np.indices(grid.shape), 0, -1))


def slope_image(grid):
    """Voxels hold a linear function of their place in space, within the wide window."""
    return Volume((places(grid) @ SLOPE).astype(np.float32), grid)


def well_inside(target, source, margin):
    at = source.ras_to_kji(places(target))
    return np.all((at >= margin) & (at <= np.array(source.shape) - 1 - margin), axis=-1)


@property_test
@given(data=st.data())
def test_without_a_spacing_the_way_back_is_exact(grids, data):
    grid = data.draw(grids(st.integers(2, 6)))
    volume = slope_image(grid)
    prepared = prepare([volume], Preprocessing())
    assert not prepared.resampled
    assert np.array_equal(prepared.restore_map(prepared.image[0]), normalise(volume.array, Normalisation()))
    labels = np.random.default_rng(0).integers(0, 3, grid.shape).astype(np.uint8)
    on_model_grid = prepare_label_map(Volume(labels, grid), prepared)
    assert np.array_equal(prepared.restore_map(on_model_grid, "nearest"), labels)
    assert np.array_equal(prepared.restore_labels(lambda c: on_model_grid == c, 3), labels)


@property_test
@given(data=st.data(), spacing=spacings)
def test_what_the_network_sees_lies_where_it_lay_in_the_patient(grids, data, spacing):
    grid = data.draw(grids(st.integers(8, 12)))
    prepared = prepare([slope_image(grid)], Preprocessing(spacing, (WIDE,)))
    assert prepared.image.dtype == np.float32
    assert prepared.image.shape == (1, *prepared.geometry.shape)
    # Smoothing bends the function near the border, so judge away from it: 4 standard deviations.
    coarsening = np.array(spacing) / prepared.oriented.spacing
    margin = np.where(coarsening > 1.5, 4 * 0.43 * coarsening + 1, 0)
    within = well_inside(prepared.geometry, prepared.oriented, margin)
    seen = prepared.image[0] * 4000 - 2000
    assert np.allclose(seen[within], (places(prepared.geometry) @ SLOPE)[within], atol=2e-2)


@property_test
@given(data=st.data(), spacing=spacings)
def test_a_map_comes_back_to_its_place_on_the_inputs_grid(grids, data, spacing):
    grid = data.draw(grids(st.integers(8, 12)))
    prepared = prepare([slope_image(grid)], Preprocessing(spacing, (WIDE,)))
    back = prepared.restore_map((places(prepared.geometry) @ SLOPE).astype(np.float32))
    assert back.shape == grid.shape
    coarsening = np.array(grid.spacing) / np.array(prepared.geometry.spacing)[np.argsort(prepared.orientation.axes)]
    extra = np.max(np.where(coarsening > 1.5, 4 * 0.43 * coarsening + 1, 0))
    within = well_inside(grid, prepared.geometry, extra)
    assert np.allclose(back[within], (places(grid) @ SLOPE)[within], atol=2e-2)


@property_test
@given(data=st.data(), spacing=spacings, turn=st.floats(-3.1, 3.1))
def test_a_half_space_comes_back_in_place_apart_from_boundary_voxels(grids, data, spacing, turn):
    grid = data.draw(grids(st.integers(6, 10)))
    prepared = prepare([slope_image(grid)], Preprocessing(spacing, (WIDE,)))
    normal = np.array([np.cos(turn), np.sin(turn) * 0.8, np.sin(turn) * 0.6])
    centre = grid.kji_to_ras((np.array(grid.shape) - 1) / 2)

    def class_map(index):
        inside = 1 / (1 + np.exp(-((places(prepared.geometry) - centre) @ normal)))
        return (inside if index == 1 else 1 - inside).astype(np.float32)

    labels = prepared.restore_labels(class_map, 2)
    depth = (places(grid) - centre) @ normal
    # The grid's outermost half voxel repeats its neighbour, hence the diagonal of the larger voxel.
    clear = np.abs(depth) > max(np.linalg.norm(grid.spacing), np.linalg.norm(spacing))
    assert labels.shape == grid.shape
    assert np.array_equal(labels[clear], (depth > 0)[clear])


@property_test
@given(data=st.data(), spacing=spacings)
def test_a_label_map_goes_with_its_image(grids, data, spacing):
    grid = data.draw(grids(st.integers(6, 10)))
    prepared = prepare([slope_image(grid)], Preprocessing(spacing, (WIDE,)))
    centre = grid.kji_to_ras((np.array(grid.shape) - 1) / 2)
    labels = ((places(grid) - centre) @ SLOPE > 0).astype(np.int16)
    result = prepare_label_map(Volume(labels, grid), prepared)
    depth = (places(prepared.geometry) - centre) @ SLOPE / np.linalg.norm(SLOPE)
    clear = np.abs(depth) > max(np.linalg.norm(grid.spacing), np.linalg.norm(spacing))
    assert result.dtype == np.uint8
    assert result.shape == prepared.geometry.shape
    assert np.array_equal(result[clear], (depth > 0)[clear])


def test_a_spacing_within_one_per_cent_is_left_alone(image):
    own = prepare([image], Preprocessing())
    close = tuple(1.009 * s for s in own.oriented.spacing)
    far = tuple(1.02 * s for s in own.oriented.spacing)
    assert not prepare([image], Preprocessing(close)).resampled
    assert prepare([image], Preprocessing(far)).resampled


def test_statistics_are_the_original_images(image):
    prepared = prepare([image], Preprocessing((1.0, 1.0, 1.0)))
    z = normalise(image.array, Normalisation())
    assert prepared.resampled
    # The resampled grid weighs voxels otherwise, its own mean is not 0; its values are still those of the original's.
    middle = tuple(n // 2 for n in image.array.shape)
    at = np.rint(prepared.geometry.ras_to_kji(image.geometry.kji_to_ras(middle))).astype(int)
    assert prepared.image[0][tuple(at)] == pytest.approx(float(z[middle]), abs=0.6)
    assert prepared.image.min() >= z.min() - 1e-6
    assert prepared.image.max() <= z.max() + 1e-6


def test_a_crop_can_be_normalised_as_the_whole_image(image):
    part, _ = crop(image, (1, 1, 1), (3, 4, 5))
    transform = affine_for(image.array, Normalisation())
    prepared = prepare([part], Preprocessing(), [transform])
    whole = normalise(image.array, Normalisation())[1:4, 1:5, 1:6]
    assert np.array_equal(prepared.restore_map(prepared.image[0]), whole)


def test_channels_are_normalised_each_in_its_own_way(image):
    second = Volume(image.array * 3, image.geometry)
    kinds = (Normalisation(), Normalisation("window", 0, 600))
    prepared = prepare([image, second], Preprocessing(None, kinds))
    assert prepared.image.shape[0] == 2
    assert np.array_equal(prepared.restore_map(prepared.image[1]), normalise(second.array, kinds[1]))


def test_the_input_is_left_as_it_was(image):
    before = image.array.copy()
    float_image = Volume(image.array.astype(np.float32), Geometry(image.array.shape))
    prepare([float_image], Preprocessing())
    prepare([image], Preprocessing())
    assert np.array_equal(image.array, before)
    assert np.array_equal(float_image.array, before)


def test_a_channel_on_another_grid_is_refused(image):
    shifted = Volume(image.array, image.geometry.cropped((1, 0, 0), image.array.shape))
    with pytest.raises(VolumeError, match="Channel 2 differs from channel 1 in origin"):
        prepare([image, shifted], Preprocessing(None, (Normalisation(), Normalisation())))


def test_the_number_of_channels_must_be_the_models(image):
    with pytest.raises(VolumeError, match=r"takes 1 channel\(s\) and 2 came"):
        prepare([image, image], Preprocessing())


def test_a_constant_channel_is_refused_by_its_number(image):
    flat = Volume(np.zeros_like(image.array), image.geometry)
    with pytest.raises(VolumeError, match="Channel 2 has the value 0 in every voxel"):
        prepare([image, flat], Preprocessing(None, (Normalisation(), Normalisation())))


def test_a_label_map_on_another_grid_is_refused(image):
    prepared = prepare([image], Preprocessing())
    labels = Volume(np.zeros(image.array.shape, np.uint8), Geometry(image.array.shape))
    with pytest.raises(VolumeError, match="label map differs from its image in spacing"):
        prepare_label_map(labels, prepared)
