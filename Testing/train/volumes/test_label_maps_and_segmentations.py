import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from dualssl.errors import OutputError, VolumeError
from dualssl.geometry import Geometry
from dualssl.labels import Code, Label, LabelTable
from dualssl.volumes.read import read_label_map, read_segmentation, read_volume
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_segmentation, write_volume


@pytest.fixture
def heart():
    """Three structures; the second has a name that needs care, the third no voxels."""
    return LabelTable(
        (
            Label.named("left atrium", 1),
            Label(2, "Vorhof λ \\n 左 | ~ ^", (0, 128, 255), Code("99X", "7", "odd~mean^ing|&")),
            Label.named("something", 3),
        )
    )


@pytest.fixture
def label_map(oblique_left_handed_grid):
    array = np.zeros(oblique_left_handed_grid.shape, np.uint8)
    array[1:3, 2:5, 4:6] = 1
    array[3, 5:, 7:] = 2
    return Volume(array, oblique_left_handed_grid)


def nrrd_fields(path):
    image = sitk.ReadImage(str(path))
    return {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}


# -- label maps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".mha"])
def test_a_label_map_of_any_type_becomes_uint8(tmp_path, label_map, dtype, suffix):
    path = tmp_path / f"labels{suffix}"
    write_volume(Volume(label_map.array.astype(dtype), label_map.geometry), path)
    back = read_label_map(path, (1, 2), like=label_map.geometry)
    assert back.array.dtype == np.uint8
    assert np.array_equal(back.array, label_map.array)


def test_unknown_values_are_named(tmp_path, label_map):
    array = label_map.array.astype(np.int16)
    array[0, 0, :3] = (300, -4, 9)
    write_volume(Volume(array, label_map.geometry), tmp_path / "labels.nrrd")
    with pytest.raises(VolumeError, match=r"labels\.nrrd has label value\(s\) -4, 9, 300 where only 0, 1, 2 are known"):
        read_label_map(tmp_path / "labels.nrrd", [1, 2])


def test_fractions_are_refused(tmp_path, label_map):
    array = label_map.array.astype(np.float32)
    array[0, 0, :3] = 0.5
    write_volume(Volume(array, label_map.geometry), tmp_path / "labels.nrrd")
    with pytest.raises(VolumeError, match="no whole numbers in 3 voxels"):
        read_label_map(tmp_path / "labels.nrrd", [1, 2])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"shape": (5, 7, 10)}, r"in size \(9 x 7 x 5 instead of 10 x 7 x 5\):"),
        ({"spacing": (3.5, 0.777777, 0.3)}, r"in spacing \(0.3 x 0.77778 x 3.1235 instead of 0.3 x 0.77778 x 3.5 mm\):"),
        ({"origin": (12.5, -200.1, 0.003)}, r"in origin \(12.35, -200.10, 0.00 instead of 12.50, -200.10, 0.00 LPS mm\):"),
        ({"direction": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))}, r"in direction of its axes:"),
    ],
)
def test_another_grid_than_the_images_is_refused_and_the_difference_told(tmp_path, label_map, change, told):
    write_volume(label_map, tmp_path / "labels.nrrd")
    grid = label_map.geometry
    fields = {"shape": grid.shape, "spacing": grid.spacing, "origin": grid.origin, "direction": grid.direction} | change
    with pytest.raises(VolumeError, match=told):
        read_label_map(tmp_path / "labels.nrrd", [1, 2], like=Geometry(**fields))


def test_rounding_of_positions_by_a_format_is_not_another_grid(tmp_path, label_map):
    write_volume(label_map, tmp_path / "labels.nii.gz")
    assert read_label_map(tmp_path / "labels.nii.gz", [1, 2], like=label_map.geometry).array.any()


# -- segmentations ------------------------------------------------------------------------------------------------------


def test_a_segmentation_reads_back_with_names_values_colours_and_codes(tmp_path, label_map, heart):
    path = tmp_path / "case.seg.nrrd"
    write_segmentation(label_map, heart, path)
    volume, segments = read_segmentation(path)
    assert volume.array.dtype == np.uint8
    assert np.array_equal(volume.array, label_map.array)
    assert np.allclose(volume.geometry.ijk_to_lps, label_map.geometry.ijk_to_lps, atol=1e-9)
    assert [s.name for s in segments] == list(heart.names)
    assert [s.value for s in segments] == [1, 2, 3]
    assert [s.layer for s in segments] == [0, 0, 0]
    assert len({s.id for s in segments}) == 3
    for segment, label in zip(segments, heart, strict=True):
        assert np.allclose(segment.color, np.array(label.color) / 255, atol=1e-5)
        assert segment.tags["Segmentation.Status"] == "inprogress"


def test_the_terminology_names_a_structures_code_and_stays_well_formed(tmp_path, label_map, heart):
    write_segmentation(label_map, heart, tmp_path / "case.seg.nrrd")
    _, segments = read_segmentation(tmp_path / "case.seg.nrrd")
    context = "Segmentation category and type - 3D Slicer General Anatomy list"
    rest = "^^~Anatomic codes - DICOM master list~^^~^^"
    atrium, odd, tissue = (segment.tags["TerminologyEntry"] for segment in segments)
    assert atrium == f"{context}~SCT^123037004^Anatomical Structure~SCT^82471001^Left atrium~{rest}"
    assert odd == f"{context}~SCT^123037004^Anatomical Structure~99X^7^odd mean ing  ~{rest}"
    assert tissue == f"{context}~SCT^85756007^Tissue~SCT^85756007^Tissue~{rest}"


def test_slicers_fields_are_all_there(tmp_path, label_map, heart):
    write_segmentation(label_map, heart, tmp_path / "case.seg.nrrd")
    fields = nrrd_fields(tmp_path / "case.seg.nrrd")
    segment = ("ID", "Name", "NameAutoGenerated", "Color", "ColorAutoGenerated", "Extent", "LabelValue", "Layer", "Tags")
    assert {f"Segment{n}_{key}" for n in range(3) for key in segment} <= set(fields)
    assert fields["Segment0_ColorAutoGenerated"] == fields["Segment0_NameAutoGenerated"] == "0"
    assert fields["Segment0_Color"] == "0.901961 0.623529 0"
    assert fields["Segment0_Tags"].endswith("|")
    assert fields["Segmentation_ContainedRepresentationNames"] == "Binary labelmap|"
    assert fields["Segmentation_MasterRepresentation"] == fields["Segmentation_SourceRepresentation"] == "Binary labelmap"
    assert fields["Segmentation_ReferenceImageExtentOffset"] == "0 0 0"


def test_every_extent_is_the_whole_grid_because_slicer_crops_a_layer_to_its_first_segments(tmp_path, label_map, heart):
    write_segmentation(label_map, heart, tmp_path / "case.seg.nrrd")
    fields = nrrd_fields(tmp_path / "case.seg.nrrd")
    assert {fields[f"Segment{n}_Extent"] for n in range(3)} == {"0 8 0 6 0 4"}


def test_the_reference_geometry_is_the_grid_in_ras(tmp_path, label_map, heart):
    write_segmentation(label_map, heart, tmp_path / "case.seg.nrrd")
    name, value, _ = nrrd_fields(tmp_path / "case.seg.nrrd")["Segmentation_ConversionParameters"].split("|")
    numbers = [float(v) for v in value.rstrip(";").split(";")]
    assert name == "Reference image geometry"
    assert np.allclose(np.reshape(numbers[:16], (4, 4)), label_map.geometry.ijk_to_ras, atol=1e-12)
    assert numbers[16:] == [0, 8, 0, 6, 0, 4]


def test_a_segmentation_serves_as_a_label_map(tmp_path, label_map, heart):
    write_segmentation(label_map, heart, tmp_path / "case.seg.nrrd")
    labels = read_label_map(tmp_path / "case.seg.nrrd", [1, 2, 3], like=label_map.geometry)
    assert np.array_equal(labels.array, label_map.array)


def test_a_segmentation_that_slicer_cropped_is_filled_up_to_the_images_grid(tmp_path, label_map, heart):
    part = Volume(label_map.array[1:, 2:, 3:8], label_map.geometry.cropped((1, 2, 3), (4, 5, 5)))
    write_segmentation(part, heart, tmp_path / "case.seg.nrrd")
    labels = read_label_map(tmp_path / "case.seg.nrrd", [1, 2, 3], like=label_map.geometry)
    expected = label_map.array.copy()
    expected[..., 8] = 0
    assert labels.geometry == label_map.geometry
    assert np.array_equal(labels.array, expected)


def test_a_segmentation_that_reaches_outside_the_image_is_refused(tmp_path, label_map, heart):
    write_segmentation(label_map, heart, tmp_path / "case.seg.nrrd")
    smaller = label_map.geometry.cropped((0, 0, 0), (5, 7, 8))
    with pytest.raises(VolumeError, match="in size"):
        read_label_map(tmp_path / "case.seg.nrrd", [1, 2, 3], like=smaller)


def test_overlapping_segments_are_refused_as_label_map(tmp_path):
    layers = sitk.GetImageFromArray(np.zeros((3, 4, 5, 2), np.uint8), isVector=True)
    layers.SetMetaData("Segment0_ID", "a")
    layers.SetMetaData("Segment1_ID", "b")
    sitk.WriteImage(layers, str(tmp_path / "case.seg.nrrd"))
    with pytest.raises(VolumeError, match="segments that overlap, in 2 layers"):
        read_label_map(tmp_path / "case.seg.nrrd", [1])


def test_a_plain_volume_is_no_segmentation(tmp_path, label_map):
    write_volume(label_map, tmp_path / "labels.nrrd")
    assert read_volume(tmp_path / "labels.nrrd").array.any()
    with pytest.raises(VolumeError, match="describes no segments"):
        read_segmentation(tmp_path / "labels.nrrd")


def test_a_segmentation_needs_its_suffix(tmp_path, label_map, heart):
    with pytest.raises(OutputError, match=r"ends in \.seg\.nrrd"):
        write_segmentation(label_map, heart, tmp_path / "case.nrrd")


def test_a_value_without_a_segment_is_a_programming_error(tmp_path, label_map):
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        write_segmentation(label_map, LabelTable((Label.named("left atrium", 1),)), tmp_path / "case.seg.nrrd")
