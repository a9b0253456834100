"""The worker's files as nodes: a step at a time, all or nothing, and only what fits."""

import json

import numpy as np
import pytest
import vtk

from dualssl.errors import VolumeError
from dualssl.review import PlacedRegion
from DualSSLSegmentationLib.scene.caseNodes import ROLES, CaseError, SegmentedCase
from DualSSLSegmentationLib.scene.predictionNodes import buildSteps
from DualSSLSegmentationLib.scene.segmentation import labelMapOf
from DualSSLSegmentationLib.scene.volumes import geometryOf, volumeOf
from sampleCases import LABELS, SHAPE, obliqueGeometry, obliqueVolume, predictedArrays, runSteps, writePrediction

FILES = {
    "entropy": "entropy",
    "kl": "kl",
    "prediction": "label",
    "networkA": "label_a",
    "networkB": "label_b",
    "regionMap": "region_map",
}


@pytest.fixture
def image(scene):
    return obliqueVolume(scene)


@pytest.fixture
def an_answer(tmp_path):
    """What the worker's `predict` answers, as it comes out of JSON."""
    return json.loads(json.dumps(writePrediction(tmp_path, obliqueGeometry(), predictedArrays())))


@pytest.fixture
def nodes_before(scene, image):
    """Ids of all nodes; a fault must leave exactly these."""
    return idsOf(scene)


def idsOf(scene):
    return {scene.GetNthNode(n).GetID() for n in range(scene.GetNumberOfNodes())}


def build(scene, answer, image):
    return runSteps(buildSteps(scene, answer, image, "Fall 1 左心房"))


class TestAWholeResult:
    def test_every_array_becomes_the_node_of_its_role(self, scene, image, an_answer):
        case = build(scene, an_answer, image)
        assert case.missing() == ()
        assert case.image is image
        for role, key in FILES.items():
            node = case.reference(role)
            expected = np.load(an_answer["files"][key])
            np.testing.assert_array_equal(volumeOf(node).array, expected)
            assert volumeOf(node).array.dtype == expected.dtype
            assert geometryOf(node).matches(obliqueGeometry(), 1e-9)
            assert bool(node.GetHideFromEditors()) == (role not in ("entropy", "kl"))
        np.testing.assert_array_equal(labelMapOf(case, LABELS, image).array, np.load(an_answer["files"]["label"]))

    def test_what_was_told_is_in_the_case(self, scene, image, an_answer):
        case = build(scene, an_answer, image)
        assert SegmentedCase.isOne(case.node)
        assert case.labels == LABELS
        assert case.provenance == an_answer["provenance"]
        assert case.scores == an_answer["scores"]
        regions = [PlacedRegion.from_json(region).to_json() for region in an_answer["regions"]]
        assert [entry["region"] for entry in case.regionEntries] == regions
        assert all((e["state"], e["answer"], e["changed"]) == ("open", None, None) for e in case.regionEntries)
        assert case.started is None

    def test_regions_are_where_their_ids_are(self, scene, image, an_answer):
        case = build(scene, an_answer, image)
        ids = volumeOf(case.regionMap).array
        assert len(case.regionEntries) >= 2
        for entry in case.regionEntries:
            region = PlacedRegion.from_json(entry["region"])
            k, j, i = np.rint(geometryOf(case.regionMap).ras_to_kji(region.centre_ras)).astype(int)
            assert ids[k, j, i] == region.id
            assert np.count_nonzero(ids == region.id) == region.voxels

    def test_names_begin_with_the_case_s_and_are_unique(self, scene, image, an_answer):
        first, second = build(scene, an_answer, image), build(scene, an_answer, image)
        names = [case.reference(role).GetName() for case in (first, second) for role in FILES]
        assert len(set(names)) == len(names)
        assert all(name.startswith(first.node.GetName()) for name in names)

    def test_the_image_s_parent_transform_is_shared(self, scene, image, an_answer):
        parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
        image.SetAndObserveTransformNodeID(parent.GetID())
        case = build(scene, an_answer, image)
        assert all(case.reference(role).GetParentTransformNode() is parent for role in FILES)
        assert case.node.GetParentTransformNode() is parent

    def test_each_step_says_what_comes_next_and_makes_at_most_one_array(self, scene, image, an_answer):
        counts, texts = [], []
        for text in buildSteps(scene, an_answer, image, "Case"):
            texts.append(text)
            counts.append(sum(scene.GetNthNode(n).IsA("vtkMRMLVolumeNode") for n in range(scene.GetNumberOfNodes())))
        assert set(np.diff(counts)) <= {0, 1}
        assert len(set(texts)) == len(texts) == 9

    def test_no_regions_at_all_are_fine(self, scene, image, tmp_path):
        arrays = predictedArrays()
        arrays.entropy[:] = 0
        arrays.kl[:] = 0
        case = build(scene, writePrediction(tmp_path, obliqueGeometry(), arrays), image)
        assert case.regionEntries == []
        assert not volumeOf(case.regionMap).array.any()

    def test_many_regions_come_in_a_wider_type(self, scene, image, an_answer, tmp_path):
        region = an_answer["regions"][0]
        an_answer["regions"] = [{**region, "id": number} for number in range(1, 301)]
        ids = (np.arange(np.prod(SHAPE)) % 301).astype(np.int16).reshape(SHAPE)
        np.save(tmp_path / "region_map.npy", ids)
        case = build(scene, an_answer, image)
        np.testing.assert_array_equal(volumeOf(case.regionMap).array, ids)

    def test_an_array_in_fortran_s_order_reads_the_same(self, scene, image, an_answer, tmp_path):
        expected = np.load(tmp_path / "entropy.npy")
        np.save(tmp_path / "entropy.npy", np.asfortranarray(expected))
        np.testing.assert_array_equal(volumeOf(build(scene, an_answer, image).entropy).array, expected)

    def test_the_files_are_free_afterwards(self, scene, image, an_answer, tmp_path):
        case = build(scene, an_answer, image)
        before = volumeOf(case.entropy).array.copy()
        for path in tmp_path.glob("*.npy"):
            path.write_bytes(b"overwritten")
            path.unlink()
        np.testing.assert_array_equal(volumeOf(case.entropy).array, before)


class TestEndingEarly:
    @pytest.mark.parametrize("after", range(1, 10))
    def test_closed_at_any_step_nothing_stays(self, scene, image, an_answer, nodes_before, after):
        steps = buildSteps(scene, an_answer, image, "Case")
        for _ in range(after):
            next(steps)
        steps.close()
        assert idsOf(scene) == nodes_before

    def test_never_begun_nothing_happens(self, scene, image, an_answer, nodes_before):
        buildSteps(scene, an_answer, image, "Case").close()
        assert idsOf(scene) == nodes_before

    @pytest.mark.parametrize("after", range(1, 10))
    def test_the_image_deleted_at_any_step_is_said_and_nothing_stays(self, scene, image, an_answer, nodes_before, after):
        steps = buildSteps(scene, an_answer, image, "Case")
        for _ in range(after):
            next(steps)
        display = image.GetDisplayNode()
        gone = {image.GetID(), display.GetID()}
        scene.RemoveNode(image)
        scene.RemoveNode(display)
        with pytest.raises(CaseError, match="The volume that 'Case' was made from was removed from the scene"):
            runSteps(steps)
        assert idsOf(scene) == nodes_before - gone

    @pytest.mark.parametrize("after", range(1, 10))
    def test_the_scene_closed_at_any_step_is_an_error_not_a_crash(self, application, scene, image, an_answer, after):
        steps = buildSteps(scene, an_answer, image, "Case")
        for _ in range(after):
            next(steps)
        application.clearScene()
        empty = idsOf(scene)
        with pytest.raises(CaseError):
            runSteps(steps)
        assert idsOf(scene) == empty

    @pytest.mark.parametrize("part", ["entropy", "KL", "first prediction", "network A", "network B", "regions", ""])
    def test_a_part_deleted_meanwhile_is_said_and_nothing_stays(self, scene, image, an_answer, nodes_before, part):
        steps = buildSteps(scene, an_answer, image, "Case")
        for _ in range(9):
            next(steps)
        scene.RemoveNode(scene.GetFirstNodeByName(f"Case {part}".strip()))
        with pytest.raises(CaseError, match="A part of the result was removed from the scene"):
            runSteps(steps)
        assert idsOf(scene) == nodes_before

    def test_a_file_that_fails_late_takes_everything_with_it(self, scene, image, an_answer, nodes_before, tmp_path):
        (tmp_path / "region_map.npy").unlink()
        with pytest.raises(VolumeError):
            build(scene, an_answer, image)
        assert idsOf(scene) == nodes_before

    def test_what_other_people_add_meanwhile_stays(self, scene, image, an_answer):
        steps = buildSteps(scene, an_answer, image, "Case")
        for _ in range(4):
            next(steps)
        theirs = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Case KL")
        steps.close()
        assert theirs.GetScene() is scene


class TestRefusing:
    @pytest.fixture
    def refused(self, scene, image, an_answer, nodes_before):
        def refusing(error, message):
            with pytest.raises(error, match=message) as caught:
                build(scene, an_answer, image)
            assert idsOf(scene) == nodes_before
            text = str(caught.value)
            assert text.endswith(".")
            assert ":" in text
            return text

        return refusing

    def test_a_missing_file(self, refused, tmp_path):
        (tmp_path / "kl.npy").unlink()
        assert str(tmp_path / "kl.npy") in refused(VolumeError, "is missing or damaged")

    @pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"no numbers at all"])
    def test_a_damaged_file(self, refused, tmp_path, content):
        (tmp_path / "label_a.npy").write_bytes(content)
        refused(VolumeError, "label_a.npy of .* is missing or damaged")

    def test_a_truncated_file(self, refused, tmp_path):
        path = tmp_path / "entropy.npy"
        path.write_bytes(path.read_bytes()[:-100])
        refused(VolumeError, "entropy.npy of .* is missing or damaged")

    @pytest.mark.parametrize("size", [1_000_000, 10**30])
    def test_a_header_that_promises_the_moon(self, refused, tmp_path, size):
        header = {"descr": "<f4", "fortran_order": False, "shape": (size, 1_000_000, 1_000)}
        with (tmp_path / "entropy.npy").open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
        refused(VolumeError, "entropy.npy of .* is missing or damaged")

    def test_an_archive_in_place_of_an_array(self, refused, tmp_path):
        np.savez(tmp_path / "archive.npz", entropy=np.zeros(SHAPE, np.float32))
        (tmp_path / "archive.npz").replace(tmp_path / "entropy.npy")
        refused(VolumeError, "entropy.npy of .* is missing or damaged")

    def test_a_pickle_is_never_opened(self, refused, tmp_path):
        class Trap:
            def __reduce__(self):
                return (pytest.fail, ("a pickle was opened",))

        np.save(tmp_path / "entropy.npy", np.array([Trap()], dtype=object), allow_pickle=True)
        refused(VolumeError, "entropy.npy of .* is missing or damaged")

    @pytest.mark.parametrize(
        ("key", "array", "message"),
        [
            ("entropy", np.zeros(SHAPE[::-1], np.float32), r"has the shape \(36, 30, 24\) instead of \(24, 30, 36\)"),
            ("entropy", np.zeros(SHAPE, np.float64), "has voxels of type float64 instead of float32"),
            ("kl", np.full(SHAPE, np.inf, np.float32), "has NaN or infinity"),
            ("label", np.zeros(SHAPE, np.int16), "has voxels of type int16"),
            ("label_b", np.full(SHAPE, 3, np.uint8), "has values from 3 to 3, where 0 to 2 are known"),
            ("region_map", np.zeros(SHAPE, np.int64), "has voxels of type int64"),
            ("region_map", np.full(SHAPE, 77, np.int16), "has values from 77 to 77, where 0 to"),
            ("region_map", np.full(SHAPE, -1, np.int16), "has values from -1 to -1"),
        ],
    )
    def test_an_array_that_does_not_fit(self, refused, tmp_path, key, array, message):
        np.save(tmp_path / f"{key}.npy", array)
        refused(VolumeError, message)

    def test_another_grid_than_the_image_s(self, refused, an_answer):
        an_answer["geometry"]["ijk_to_ras"][0][3] += 5
        refused(VolumeError, r"The prediction of .* differs from the image 'MR' in origin")

    @pytest.mark.parametrize("spoil", [
        lambda a: a.pop("geometry"),
        lambda a: a.pop("files"),
        lambda a: a["files"].pop("kl"),
        lambda a: a.update(labels="none"),
        lambda a: a.update(labels=[{"value": 2}]),
        lambda a: a["regions"][0].pop("id"),
        lambda a: a["geometry"].update(shape_kji=[1, 2]),
        lambda a: a["geometry"].update(ijk_to_ras=[[0] * 4] * 4),
        lambda a: a.update(scores=None),
        lambda a: a.update(provenance=3),
    ])  # fmt: skip
    def test_an_answer_that_lacks_or_garbles_a_part(self, refused, an_answer, spoil):
        spoil(an_answer)
        refused(CaseError, "The engine's answer for .* cannot be understood")

    def test_an_image_without_voxels(self, scene, an_answer):
        hollow = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "hollow")
        before = idsOf(scene)
        with pytest.raises(VolumeError, match="'hollow' has no image data"):
            build(scene, an_answer, hollow)
        assert idsOf(scene) == before

    def test_an_image_that_was_bent_meanwhile(self, scene, image, an_answer):
        warp = scene.AddNewNodeByClass("vtkMRMLTransformNode", "warp")
        warp.SetAndObserveTransformToParent(vtk.vtkThinPlateSplineTransform())
        image.SetAndObserveTransformNodeID(warp.GetID())
        before = idsOf(scene)
        with pytest.raises(VolumeError, match="harden the transform first"):
            build(scene, an_answer, image)
        assert idsOf(scene) == before


def test_all_roles_of_a_case_come_from_the_answer():
    assert set(ROLES) == {*FILES, "image", "protectedEdits"}
