"""The sample is generated here, offered in the module Sample Data, and can be removed again."""

import os
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import slicer

from dualssl.phantoms.case import generate_case
from dualssl.phantoms.settings import PhantomSettings
from dualssl.volumes.read import read_volume
from DualSSLSegmentationLib.application import sampleData
from DualSSLSegmentationLib.application.sampleData import (
    CATEGORY,
    PHANTOM_CASE,
    SAMPLE,
    makeSample,
    registerSampleData,
    samplePath,
)
from DualSSLSegmentationLib.setup.commands import Finished, runAndWait
from DualSSLSegmentationLib.setup.downloads import Downloads
from DualSSLSegmentationLib.setup.interpreters import ownInterpreter
from pythonEnvironments import plainEnvironment

ENGINE = Path(__file__).resolve().parents[3] / "train"
# The environment without `dualssl` and torch on its path would be best; that torch stays out is tested for all light packages.
INTERPRETER = ownInterpreter(Path(sys.executable), plainEnvironment())


class SampleDataLogic:
    """As in Slicer: sources by category, and a way to register them."""

    @classmethod
    def sampleDataSourcesByCategory(cls, category):
        return cls.sources.get(category, [])

    @classmethod
    def registerCustomSampleDataCategory(cls, category, title):
        cls.titles[category] = title

    @classmethod
    def registerCustomSampleDataSource(
        cls, category, sampleName, uris, fileNames, nodeNames, customDownloader, thumbnailFileName
    ):
        source = SimpleNamespace(sampleName=sampleName, uris=[uris], customDownloader=customDownloader)
        source.thumbnailFileName = thumbnailFileName
        cls.sources.setdefault(category, []).append(source)


@pytest.fixture
def sample_data_module(monkeypatch):
    """Slicer's module Sample Data with nothing of ours in it."""
    module = ModuleType("SampleData")
    module.SampleDataLogic = SampleDataLogic
    SampleDataLogic.sources, SampleDataLogic.titles = {}, {}
    monkeypatch.setitem(sys.modules, "SampleData", module)
    return SampleDataLogic


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A person's own folder in which the sample was made."""
    folder = tmp_path_factory.mktemp("home é") / "DualSSLSegmentation"
    made = []
    makeSample(runAndWait, INTERPRETER, ENGINE, folder, made.append, pytest.fail)
    assert made == [samplePath(folder)]
    return folder


def failing(command, onLine, onFinished):
    onFinished(Finished(1, "", "Traceback\nMemoryError: too little\n"))
    return lambda: None


def not_needed(command, onLine, onFinished):
    pytest.fail("a child process was started")


def test_the_sample_is_a_phantom_that_no_training_set_holds(home):
    volume = read_volume(samplePath(home))
    expected = generate_case(PhantomSettings(), PHANTOM_CASE).image
    np.testing.assert_array_equal(volume.array, expected.array)
    assert volume.geometry.matches(expected.geometry)
    assert PhantomSettings().cases <= PHANTOM_CASE


def test_it_is_made_once(home):
    again = []
    makeSample(not_needed, INTERPRETER, ENGINE, home, again.append, pytest.fail)
    assert again == [samplePath(home)]


def test_it_is_on_record_and_can_be_removed(home, tmp_path):
    assert Downloads(home).removal(None).files == (samplePath(home),)
    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    downloads = Downloads(copy)
    downloads.removeFiles(downloads.removal(None))
    assert [path.name for path in copy.iterdir()] == ["downloads.json"]


def test_a_failure_is_a_sentence_and_leaves_no_file(tmp_path):
    errors = []
    makeSample(failing, INTERPRETER, ENGINE, tmp_path, pytest.fail, errors.append)
    assert errors == ["The sample data could not be made (MemoryError: too little): the log has the details."]
    assert Downloads(tmp_path).removal(None).empty


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="needs rights that can be lacking")
def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    tmp_path.chmod(0o500)
    errors = []
    makeSample(not_needed, INTERPRETER, ENGINE, tmp_path / "home", pytest.fail, errors.append)
    assert "no permission to write there" in errors[0]


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "SampleData").write_text("in the way")
    errors = []
    makeSample(not_needed, INTERPRETER, ENGINE, tmp_path, pytest.fail, errors.append)
    assert "SampleData" in errors[0]


def test_the_sample_is_offered_once_with_its_picture(sample_data_module, tmp_path):
    wanted = []
    for _ in range(2):
        registerSampleData(tmp_path, sampleData.THUMBNAIL, lambda: wanted.append(True))
    (source,) = sample_data_module.sources[CATEGORY]
    assert source.sampleName == SAMPLE
    assert Path(source.thumbnailFileName).is_file()
    assert source.uris == [samplePath(tmp_path).as_uri()]
    source.customDownloader(source)
    assert wanted == [True]
    assert sample_data_module.titles == {CATEGORY: "DualSSL Segmentation"}


@pytest.fixture
def application_with_the_sample(application, scene, home, monkeypatch):
    """The application of a person who has the sample already."""
    monkeypatch.setattr(sampleData, "homeFolder", lambda: home)
    monkeypatch.setattr(sampleData, "slicerInterpreter", lambda: INTERPRETER)
    return application


def test_asking_for_it_in_the_application_loads_it(application_with_the_sample, sample_data_module, scene):
    sampleData.register(not_needed)
    (source,) = sample_data_module.sources[CATEGORY]
    source.customDownloader(source)
    node = slicer.util.getNode(SAMPLE)
    assert node.IsA("vtkMRMLScalarVolumeNode")
    assert slicer.util.arrayFromVolume(node).shape == PhantomSettings().shape


def test_asking_again_while_it_is_made_does_nothing(application_with_the_sample, sample_data_module, tmp_path, monkeypatch):
    started = []

    def slow(command, onLine, onFinished):
        started.append(onFinished)
        return lambda: None

    monkeypatch.setattr(sampleData, "homeFolder", lambda: tmp_path)
    monkeypatch.setattr(slicer.util, "errorDisplay", lambda text: None, raising=False)
    sampleData.register(slow)
    (source,) = sample_data_module.sources[CATEGORY]
    source.customDownloader(source)
    source.customDownloader(source)
    assert len(started) == 1
    started[0](Finished(1, "", ""))
    source.customDownloader(source)
    assert len(started) == 2


def test_a_failure_in_the_application_is_shown(application_with_the_sample, sample_data_module, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(sampleData, "homeFolder", lambda: tmp_path)
    monkeypatch.setattr(slicer.util, "errorDisplay", shown.append, raising=False)
    sampleData.register(failing)
    (source,) = sample_data_module.sources[CATEGORY]
    source.customDownloader(source)
    assert "could not be made" in shown[0]
