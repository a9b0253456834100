"""What makes up a segmented case, and that all of it survives deletion, closing, saving and loading."""

import gc
import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk

import dualssl
import DualSSLSegmentationLib
from dualssl.labels import LabelTable
from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.scene.caseNodes import ATTRIBUTES, OPTIONAL_ROLES, PREFIX, ROLES, CaseError, SegmentedCase
from DualSSLSegmentationLib.scene.segmentation import labelMapOf
from DualSSLSegmentationLib.scene.structureSegments import newSegment
from DualSSLSegmentationLib.scene.volumes import addHiddenLabelMap, geometryOf, volumeOf
from sampleCases import LABELS, SHAPE, obliqueGeometry, obliqueVolume, segmentedCase

AWKWARD = 'a;b:c|d%e&f"g<h>i\\j\nk\tl Größe 左心房 \U0001fac0 DualSSL.x:y;'


@pytest.fixture
def a_segmented_case(scene):
    return segmentedCase(scene)


@pytest.fixture
def a_reviewed_case(a_segmented_case):
    """With everything in it that a case can have, awkward texts included."""
    case = a_segmented_case
    case.setJson("started", datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone.utc).isoformat())
    case.setJson("provenance", {**case.provenance, "model_name": AWKWARD})
    entries = case.regionEntries
    entries[0] |= {"state": "flagged", "answer": "mean", "changed": "2026-02-03T04:06:00+00:00", "note": AWKWARD}
    case.setJson("regions", entries)
    protected = Volume(np.eye(*SHAPE[1:], dtype=np.uint8)[None].repeat(SHAPE[0], 0), obliqueGeometry())
    case.setReference("protectedEdits", addHiddenLabelMap(case.scene, protected, "Case protected edits", case.image))
    return case


def saved(application, path):
    assert application.app.coreIOManager().saveNodes("SceneFile", {"fileName": str(path)})
    return path


def loaded(application, path, clear):
    assert application.app.coreIOManager().loadNodes("SceneFile", {"fileName": str(path), "clear": clear})
    nodes = application.scene.GetNodesByClass("vtkMRMLSegmentationNode")
    nodes.UnRegister(None)
    return [SegmentedCase(nodes.GetItemAsObject(n)) for n in range(nodes.GetNumberOfItems())]


def orphans(scene):
    """Display and storage nodes that no node uses."""
    found = []
    for number in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(number)
        used = {"vtkMRMLDisplayNode": "GetDisplayableNode", "vtkMRMLStorageNode": "GetStorableNode"}
        found += [node.GetID() for kind, user in used.items() if node.IsA(kind) and getattr(node, user)() is None]
    return [name for name in found if not name.startswith("vtkMRMLColor")]


def inOneSense(volume):
    """Voxels and grid with the first axis reversed where the grid is left-handed: so Slicer loads a volume."""
    matrix = volume.geometry.ijk_to_ras
    if np.linalg.det(matrix[:3, :3]) > 0:
        return volume.array.copy(), matrix
    reverse = np.diag([1.0, 1.0, -1.0, 1.0])
    reverse[2, 3] = volume.array.shape[0] - 1
    return volume.array[::-1].copy(), matrix @ reverse


class TestIdentity:
    def test_a_case_is_told_from_any_other_node(self, scene, a_segmented_case):
        assert SegmentedCase.isOne(a_segmented_case.node)
        assert not SegmentedCase.isOne(None)
        assert not SegmentedCase.isOne(a_segmented_case.image)
        assert not SegmentedCase.isOne(scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "plain"))

    def test_two_views_of_one_node_are_equal_and_say_the_same(self, a_segmented_case):
        other = SegmentedCase(a_segmented_case.node)
        other.setJson("started", "2026-02-03T04:05:06+00:00")
        assert other == a_segmented_case
        assert hash(other) == hash(a_segmented_case)
        assert a_segmented_case.started == datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone.utc)

    def test_nothing_is_missing_in_a_new_case(self, a_segmented_case):
        assert a_segmented_case.missing() == ()
        assert all(a_segmented_case.reference(role) is not None for role in ROLES if role not in OPTIONAL_ROLES)
        assert a_segmented_case.protectedEdits is None
        assert a_segmented_case.started is None


class TestReferences:
    def test_a_role_is_named_with_or_without_its_prefix(self, a_segmented_case):
        assert a_segmented_case.reference("DualSSL.kl") is a_segmented_case.reference("kl") is a_segmented_case.kl
        assert a_segmented_case.node.GetNodeReference("DualSSL.kl") is a_segmented_case.kl

    def test_a_reference_is_set_exchanged_and_taken_out(self, scene, a_segmented_case):
        before, other = a_segmented_case.image, obliqueVolume(scene, "other")
        a_segmented_case.setReference("image", other)
        assert a_segmented_case.image is other
        a_segmented_case.setReference("image", None)
        assert a_segmented_case.image is None
        assert before.GetScene() is scene

    def test_an_unknown_role_or_attribute_is_a_mistake(self, a_segmented_case):
        for wrong in (
            lambda c: c.setReference("picture", None),
            lambda c: c.reference("DualSSL."),
            lambda c: c.setJson("kl", 1),
        ):
            with pytest.raises(ValueError, match="a segmented case has no"):
                wrong(a_segmented_case)

    @pytest.mark.parametrize("role", [role for role in ROLES if role not in OPTIONAL_ROLES])
    def test_a_deleted_node_is_missing_in_words(self, scene, a_segmented_case, role):
        scene.RemoveNode(a_segmented_case.reference(role))
        assert getattr(a_segmented_case, role) is None
        (words,) = a_segmented_case.missing()
        assert words.startswith("the ")
        assert role not in words or role in ("image", "entropy", "prediction")

    def test_deleted_protected_edits_are_not_missing(self, scene, a_reviewed_case):
        scene.RemoveNode(a_reviewed_case.protectedEdits)
        assert a_reviewed_case.missing() == ()


class TestAttributes:
    def test_data_come_back_as_they_were(self, a_segmented_case):
        data = {"text": AWKWARD, "numbers": [1, 2.5, -0.1, 1e-300], "nothing": None, "nested": {"yes": True}}
        a_segmented_case.setJson("scores", data)
        assert a_segmented_case.scores == data

    def test_what_is_read_is_a_copy(self, a_segmented_case):
        a_segmented_case.regionEntries[0]["state"] = "accepted"
        a_segmented_case.provenance["model_id"] = "another"
        assert a_segmented_case.regionEntries[0]["state"] == "open"
        assert a_segmented_case.provenance["model_id"] != "another"

    def test_the_node_is_modified_only_by_other_data(self, a_segmented_case):
        before = a_segmented_case.node.GetMTime()
        a_segmented_case.setJson("scores", a_segmented_case.scores)
        assert a_segmented_case.node.GetMTime() == before
        a_segmented_case.setJson("scores", {"entropy": 1.0})
        assert a_segmented_case.node.GetMTime() > before

    def test_none_takes_an_attribute_out(self, a_segmented_case):
        a_segmented_case.setJson("scores", None)
        assert a_segmented_case.scores == {}
        assert a_segmented_case.node.GetAttribute("DualSSL.scores") is None

    def test_numbers_that_json_has_no_word_for_are_refused(self, a_segmented_case):
        before = a_segmented_case.scores
        with pytest.raises(ValueError, match="JSON"):
            a_segmented_case.setJson("scores", {"entropy": float("nan")})
        assert a_segmented_case.scores == before

    @pytest.mark.parametrize("attribute", ATTRIBUTES)
    @pytest.mark.parametrize("text", ["{broken", '"2026-13-45"', "[[1]]", "17"])
    def test_a_garbled_attribute_is_an_error_that_names_it(self, a_segmented_case, attribute, text):
        a_segmented_case.node.SetAttribute(PREFIX + attribute, text)
        read = {"regions": "regionEntries"}.get(attribute, attribute)
        with pytest.raises(CaseError, match=rf"'Case' cannot be read \(attribute DualSSL\.{attribute}\)"):
            getattr(a_segmented_case, read)


class TestRemoval:
    def test_helper_nodes_go_the_image_and_other_cases_stay(self, scene, a_reviewed_case):
        other = segmentedCase(scene, a_reviewed_case.image, "Second")
        nodes = {role: a_reviewed_case.reference(role) for role in ROLES}
        a_reviewed_case.removeHelperNodes()
        assert [role for role, node in nodes.items() if node.GetScene() is not None] == ["image"]
        assert other.missing() == ()
        assert orphans(scene) == []

    def test_helper_nodes_are_found_after_the_segmentation_has_left_the_scene(self, scene, a_reviewed_case):
        nodes = [a_reviewed_case.reference(role) for role in ROLES if role != "image"]
        display = a_reviewed_case.node.GetDisplayNode()
        scene.RemoveNode(a_reviewed_case.node)
        scene.RemoveNode(display)
        a_reviewed_case.removeHelperNodes()  # knows no scene: nothing to do, no crash
        assert all(node.GetScene() is scene for node in nodes)
        a_reviewed_case.removeHelperNodes(scene)
        assert all(node.GetScene() is None for node in nodes)
        assert orphans(scene) == []

    def test_a_display_that_another_node_uses_stays(self, scene, a_segmented_case):
        display = a_segmented_case.entropy.GetDisplayNode()
        a_segmented_case.image.SetAndObserveDisplayNodeID(display.GetID())
        a_segmented_case.removeHelperNodes()
        assert display.GetScene() is scene

    def test_a_closed_scene_leaves_a_case_without_anything(self, scene, a_reviewed_case):
        scene.Clear(0)
        assert a_reviewed_case.scene is None
        assert len(a_reviewed_case.missing()) == len(ROLES) - len(OPTIONAL_ROLES)
        a_reviewed_case.removeHelperNodes()

    def test_a_view_keeps_no_scene_alive(self, scene):
        before = scene.GetReferenceCount()
        case = segmentedCase(scene)
        scene.Clear(0)
        del case
        gc.collect()
        assert scene.GetReferenceCount() <= before


class TestSaving:
    def test_everything_comes_back(self, application, scene, a_reviewed_case, tmp_path):
        case = a_reviewed_case
        segmentation = case.node.GetSegmentation()
        segmentation.GetSegment("Segment_2").SetName("Wand 左心房")
        case.node.GetDisplayNode().SetSegmentVisibility("Segment_2", False)
        volumes = {role: inOneSense(volumeOf(case.reference(role))) for role in ROLES}
        texts = {name: case.node.GetAttribute(PREFIX + name) for name in ATTRIBUTES}
        colours = [segmentation.GetSegment(i).GetColor() for i in segmentation.GetSegmentIDs()]
        labels, _ = inOneSense(Volume(labelMapOf(case, LABELS, case.image).array, geometryOf(case.image)))
        folder = tmp_path / "Größe 左"
        folder.mkdir()
        (back,) = loaded(application, saved(application, folder / "scene.mrb"), clear=True)
        assert back.missing() == ()
        for role in ROLES:
            node = back.reference(role)
            array, matrix = inOneSense(volumeOf(node))
            np.testing.assert_array_equal(array, volumes[role][0], err_msg=role)
            assert array.dtype == volumes[role][0].dtype
            np.testing.assert_allclose(matrix, volumes[role][1], atol=1e-9)
            assert bool(node.GetHideFromEditors()) == (role not in ("image", "entropy", "kl"))
        assert {name: back.node.GetAttribute(PREFIX + name) for name in ATTRIBUTES} == texts
        assert back.provenance["model_name"] == AWKWARD
        assert back.labels == LABELS
        segmentation = back.node.GetSegmentation()
        assert [segmentation.GetSegment(i).GetName() for i in segmentation.GetSegmentIDs()] == ["left atrium", "Wand 左心房"]
        np.testing.assert_allclose(
            [segmentation.GetSegment(i).GetColor() for i in segmentation.GetSegmentIDs()], colours, atol=1e-5
        )
        assert not back.node.GetDisplayNode().GetSegmentVisibility("Segment_2")
        found = labelMapOf(back, LABELS, back.image)
        np.testing.assert_array_equal(inOneSense(Volume(found.array, geometryOf(back.image)))[0], labels)
        assert found.unknown == ()

    def test_a_case_under_a_transform_comes_back_under_it(self, application, scene, tmp_path):
        parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
        transform = vtk.vtkTransform()
        transform.RotateWXYZ(30, 1, 1, 0)
        parent.SetMatrixTransformToParent(transform.GetMatrix())
        image = obliqueVolume(scene)
        image.SetAndObserveTransformNodeID(parent.GetID())
        case = segmentedCase(scene, image)
        labels, _ = inOneSense(Volume(labelMapOf(case, LABELS, image).array, geometryOf(image)))
        (back,) = loaded(application, saved(application, tmp_path / "scene.mrb"), clear=True)
        for role in ROLES:
            if role not in OPTIONAL_ROLES:
                assert back.reference(role).GetParentTransformNode().GetName() == "moved"
        found = Volume(labelMapOf(back, LABELS, back.image).array, geometryOf(back.image))
        np.testing.assert_array_equal(inOneSense(found)[0], labels)

    def test_a_case_that_is_loaded_beside_itself_refers_to_its_own_nodes(self, application, scene, a_reviewed_case, tmp_path):
        path = saved(application, tmp_path / "scene.mrb")
        first, second = loaded(application, path, clear=False)
        assert first == a_reviewed_case
        for role in ROLES:
            assert second.reference(role) is not None
            assert second.reference(role) is not first.reference(role)

    def test_a_helper_segment_keeps_its_tag(self, application, a_segmented_case, tmp_path):
        segment = newSegment(LabelTable.from_dataset_json({"background": 0, "x": 1}).labels[0])
        segment.SetTag("DualSSL.Role", "regionMask")
        a_segmented_case.node.GetSegmentation().AddSegment(segment, "mask")
        (back,) = loaded(application, saved(application, tmp_path / "scene.mrb"), clear=True)
        assert labelMapOf(back, LABELS, back.image).unknown == ()
        assert back.node.GetSegmentation().GetSegment("mask").HasTag("DualSSL.Role")


def test_the_names_in_a_saved_scene_are_a_format(a_segmented_case):
    """Scenes on people's disks have these names: changing one needs a reader for the old."""
    node = a_segmented_case.node
    assert {name for name in node.GetAttributeNames() if name.startswith("DualSSL")} == {
        "DualSSL.provenance",
        "DualSSL.labels",
        "DualSSL.regions",
        "DualSSL.scores",
    }
    roles = [node.GetNthNodeReferenceRole(n) for n in range(node.GetNumberOfNodeReferenceRoles())]
    assert {role for role in roles if role.startswith("DualSSL")} == {
        "DualSSL.image",
        "DualSSL.entropy",
        "DualSSL.kl",
        "DualSSL.prediction",
        "DualSSL.networkA",
        "DualSSL.networkB",
        "DualSSL.regionMap",
    }
    tag = vtk.reference("")
    assert node.GetSegmentation().GetSegment("Segment_2").GetTag("DualSSL.LabelValue", tag)
    assert tag.get() == "2"
    assert slicer.vtkSegment.GetTerminologyEntryTagName() == "TerminologyEntry"


SCENE = ("caseNodes", "volumes", "segmentLayers", "structureSegments", "segmentation", "predictionNodes")
MODULES = " ".join([*(f"scene.{name}" for name in SCENE), "jobs.caseContents", "jobs.handover"])


def test_slicer_is_not_burdened_by_an_import():
    """No torch in Slicer's process, and nothing that takes its time before a person asks for something."""
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1].split(): importlib.import_module('DualSSLSegmentationLib.' + name)\n"
        "print(*[m for m in sys.argv[2].split() if m in sys.modules])"
    )
    folders = [str(Path(package.__path__[0]).parent) for package in (DualSSLSegmentationLib, dualssl)]
    run = subprocess.run(
        [sys.executable, "-c", code, MODULES, "torch monai safetensors SimpleITK sqlite3 qt ctk"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout.strip()) == (0, ""), run.stderr
