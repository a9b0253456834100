"""`dualssl predict` refuses what it cannot use: status 2, one sentence that names the file, and nothing half-written."""

import struct
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from dualssl.volumes.read import read_segmentation
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume


def png_bytes(side=16):
    """A grey PNG, written by hand (https://www.w3.org/TR/png/)."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(range(side)) for _ in range(side))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def itk_file(path, array, vector=False):
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=vector), str(path))


def missing(path, image):
    return "does not exist"


def truncated(path, image):
    write_volume(image, path)
    path.write_bytes(path.read_bytes()[:-200])
    return "truncated"


def truncated_nifti(path, image):
    write_volume(image, path)
    path.write_bytes(path.read_bytes()[:-200])
    return "truncated"


def empty_file(path, image):
    path.touch()
    return "no volume"


def text_in_disguise(path, image):
    path.write_text("Dear colleague,\n" * 20)
    return "no volume"


def text(path, image):
    path.write_text("Dear colleague,\n" * 20)
    return "no volume"


def png(path, image):
    path.write_bytes(png_bytes())
    return "2D image"


def jpeg(path, image):
    itk_file(path, np.arange(256, dtype=np.uint8).reshape(16, 16))
    return "2D image"


def png_in_disguise(path, image):
    path.write_bytes(png_bytes())
    return ""


def flat(path, image):
    itk_file(path, image.array[0])
    return "2D image"


def series_over_time(path, image):
    sitk.WriteImage(sitk.JoinSeries([sitk.GetImageFromArray(image.array)] * 3), str(path))
    return "4 dimensions"


def colour(path, image):
    itk_file(path, np.zeros((4, 5, 6, 3), np.uint8), vector=True)
    return "3 numbers in each voxel"


def nan(path, image):
    array = image.array.astype(np.float32)
    array[2, 3, 4] = np.nan
    write_volume(Volume(array, image.geometry), path)
    return "NaN or infinity in 1 of"


def infinity(path, image):
    array = image.array.astype(np.float32)
    array[2, 3, 4:6] = -np.inf
    write_volume(Volume(array, image.geometry), path)
    return "NaN or infinity in 2 of"


def constant(path, image):
    write_volume(Volume(np.full_like(image.array, 42), image.geometry), path)
    return "value 42 in every voxel"


def single_slice(path, image):
    write_volume(Volume(image.array[:1], image.geometry.cropped((0, 0, 0), (1, *image.array.shape[1:]))), path)
    return "holds a single slice"


def folder_without_dicom(path, image):
    path.mkdir()
    (path / "notes.txt").write_text("nothing here")
    return "no DICOM series"


BAD = {
    missing: "bad.nrrd",
    truncated: "bad.nrrd",
    truncated_nifti: "bad.nii.gz",
    empty_file: "bad.nrrd",
    text_in_disguise: "bad.nrrd",
    text: "bad.txt",
    png: "bad.png",
    jpeg: "bad.jpg",
    png_in_disguise: "bad.nii.gz",
    flat: "bad.mha",
    series_over_time: "bad.nrrd",
    single_slice: "bad.nii.gz",
    colour: "bad.nrrd",
    nan: "bad.nrrd",
    infinity: "bad.mha",
    constant: "bad.nii.gz",
    folder_without_dicom: "bad",
}


@pytest.mark.parametrize("harm", BAD, ids=lambda harm: harm.__name__)
def test_a_bad_image_is_named_with_what_is_wrong_and_leaves_nothing(dualssl, model, image, tmp_path, harm):
    path = tmp_path / BAD[harm]
    wrong = harm(path, image)
    outcome = dualssl("predict", model, path, "--output", tmp_path / "results")
    assert outcome.status == 2
    assert str(path) in outcome.complaint
    assert wrong in outcome.complaint
    assert list((tmp_path / "results").glob("*")) == []


def test_a_missing_one_of_several_is_told_before_any_is_predicted(dualssl, model, image, tmp_path):
    write_volume(image, tmp_path / "good.nrrd")
    outcome = dualssl("predict", model, tmp_path / "good.nrrd", tmp_path / "bad.nrrd", "--output", tmp_path / "results")
    assert outcome.status == 2
    assert str(tmp_path / "bad.nrrd") in outcome.complaint
    assert not (tmp_path / "results").exists()


def test_results_of_earlier_inputs_stay_whole_when_a_later_one_is_bad(dualssl, model, image, tmp_path):
    write_volume(image, tmp_path / "good.nrrd")
    nan(tmp_path / "bad.nrrd", image)
    outcome = dualssl("predict", model, tmp_path / "good.nrrd", tmp_path / "bad.nrrd", "--output", tmp_path / "results")
    assert outcome.status == 2
    assert str(tmp_path / "bad.nrrd") in outcome.complaint
    found = {path.name for path in (tmp_path / "results").iterdir()}
    assert found == {"good.seg.nrrd", "good.entropy.nrrd", "good.kl.nrrd", "good.json"}


@pytest.mark.parametrize(
    ("roi", "named"),
    [
        ("1,2,3", "six numbers"),
        ("left,right,1,2,3,4", "six numbers"),
        ("0,10,0,10,0,nan", "--roi 0,10,0,10,0,nan"),
        ("0,inf,0,10,0,10", "--roi 0,inf"),
        ("10,0,0,10,0,10", "the smaller one first"),
    ],
)
def test_a_malformed_box_is_refused(dualssl, model, image, tmp_path, roi, named):
    write_volume(image, tmp_path / "a.nrrd")
    outcome = dualssl("predict", model, tmp_path / "a.nrrd", "--output", tmp_path / "results", f"--roi={roi}")
    assert outcome.status == 2
    assert named in outcome.complaint
    assert not (tmp_path / "results").exists()


def test_a_box_outside_the_image_is_refused_with_the_images_name(dualssl, model, image, tmp_path):
    write_volume(image, tmp_path / "a.nrrd")
    roi = "--roi=900,950,900,950,900,950"
    outcome = dualssl("predict", model, tmp_path / "a.nrrd", "--output", tmp_path / "results", roi)
    assert outcome.status == 2
    assert str(tmp_path / "a.nrrd") in outcome.complaint
    assert "outside the image" in outcome.complaint
    assert list((tmp_path / "results").glob("*")) == []


def test_too_little_memory_is_told_before_it_is_used(dualssl, model, image, tmp_path, monkeypatch):
    write_volume(image, tmp_path / "a.nrrd")
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=50_000_000))
    outcome = dualssl("predict", model, tmp_path / "a.nrrd", "--output", tmp_path / "results")
    assert outcome.status == 2
    assert str(tmp_path / "a.nrrd") in outcome.complaint
    assert "GB of memory" in outcome.complaint
    assert "region of interest" in outcome.complaint
    assert list((tmp_path / "results").glob("*")) == []


def test_a_device_that_is_not_there_is_refused(dualssl, model, image, tmp_path, monkeypatch):
    write_volume(image, tmp_path / "a.nrrd")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    outcome = dualssl("predict", model, tmp_path / "a.nrrd", "--output", tmp_path / "results", "--device", "cuda")
    assert outcome.status == 2
    assert "'cuda'" in outcome.complaint
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("inside", [False, True])
def test_a_file_in_place_of_the_output_folder_is_left_alone(dualssl, model, image, tmp_path, inside):
    write_volume(image, tmp_path / "a.nrrd")
    (tmp_path / "thesis").write_text("five years")
    output = tmp_path / "thesis" / "results" if inside else tmp_path / "thesis"
    outcome = dualssl("predict", model, tmp_path / "a.nrrd", "--output", output)
    assert outcome.status == 2
    assert "thesis" in outcome.complaint
    assert (tmp_path / "thesis").read_text() == "five years"


def test_an_output_folder_without_permission_is_told_before_the_work(dualssl, model, image, tmp_path, monkeypatch):
    write_volume(image, tmp_path / "a.nrrd")
    (tmp_path / "results").mkdir()

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    # By hand, for nothing is forbidden to root, which containers run tests as.
    monkeypatch.setattr("pathlib.Path.touch", denied)
    monkeypatch.setattr("dualssl.prediction.predictor.Predictor.predict", lambda *_, **__: pytest.fail("worked in vain"))
    outcome = dualssl("predict", model, tmp_path / "a.nrrd", "--output", tmp_path / "results")
    assert outcome.status == 2
    assert str(tmp_path / "results") in outcome.complaint
    assert "permission" in outcome.complaint


def test_a_full_disk_leaves_the_earlier_segmentation_and_no_scraps(dualssl, model, image, tmp_path, limited_files):
    write_volume(image, tmp_path / "a.nrrd")
    arguments = ("predict", model, tmp_path / "a.nrrd", "--output", tmp_path / "results")
    assert dualssl(*arguments).status == 0
    segmentation = tmp_path / "results" / "a.seg.nrrd"
    before = segmentation.read_bytes()
    with limited_files(500):
        outcome = dualssl(*arguments, "--overwrite")
    assert outcome.status == 2
    assert "could not be written" in outcome.complaint
    assert segmentation.read_bytes() == before
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"a.seg.nrrd", "a.entropy.nrrd", "a.kl.nrrd"}
    read_segmentation(segmentation)


@pytest.fixture(params=["flipped byte", "missing weights", "missing checksums", "pickle", "not a model", "no folder"])
def bad_model(request, own_model):
    """A model folder that must not be used, and what the refusal names."""
    weights = own_model / "models" / "network_b.safetensors"
    if request.param == "flipped byte":
        content = bytearray(weights.read_bytes())
        content[-7] ^= 1
        weights.write_bytes(content)
        return own_model, "network_b.safetensors has been altered"
    if request.param == "missing weights":
        weights.unlink()
        return own_model, "network_b.safetensors is missing"
    if request.param == "missing checksums":
        (own_model / "checksums.json").unlink()
        return own_model, "checksums.json is missing"
    if request.param == "pickle":
        (own_model / "models" / "model.pt").write_bytes(b"\x80\x04.")
        return own_model, "model.pt"
    if request.param == "not a model":
        return own_model.parent, "is no model folder"
    return own_model / "nowhere", "There is no model folder"


def test_a_bad_model_is_neither_used_nor_called_intact(dualssl, bad_model, image, intact_dataset, tmp_path):
    model, named = bad_model
    write_volume(image, tmp_path / "a.nrrd")
    for arguments in (
        ("predict", model, tmp_path / "a.nrrd", "--output", tmp_path / "results"),
        ("evaluate", model, intact_dataset, "--output", tmp_path / "results" / "figures.json"),
        ("models", "verify", model),
    ):
        outcome = dualssl(*arguments)
        assert outcome.status == 2
        assert named in outcome.complaint
        assert not (tmp_path / "results").exists()


def test_an_intact_model_is_described(dualssl, model):
    outcome = dualssl("models", "verify", model)
    assert outcome.status == 0
    assert "intact" in outcome.out
    assert "left half, right half" in outcome.out
