"""The store of prepared cases: labels only where they may be read, memory within its bound, mistakes named."""

import threading
import time

import numpy as np
import pytest

from dualssl.case_files import UNSEEN
from dualssl.data.store import CaseStore
from dualssl.errors import VolumeError
from dualssl.model.manifest import Normalisation, Preprocessing

PREPROCESSING = Preprocessing(normalisation=(Normalisation("window", 0.0, 1.0),))


@pytest.fixture
def reads(monkeypatch):
    """Names of the cases that were read from disk, in order."""
    names = []
    original = CaseStore._read

    def counted(store, name):
        names.append(name)
        return original(store, name)

    monkeypatch.setattr(CaseStore, "_read", counted)
    return names


def memory_of(store):
    return sum(case.nbytes for case in store._kept.values())


def test_a_labelled_case_has_image_labels_and_foreground(images_that_equal_their_labels):
    case = CaseStore(images_that_equal_their_labels, PREPROCESSING, ["case_0"])["case_0"]
    assert case.image.shape == (1, 12, 14, 14)
    assert case.image.dtype == np.float16
    np.testing.assert_array_equal(case.image[0], case.label)
    assert all(case.label[k, j, i] == 1 for k, j, i in case.foreground)


@pytest.mark.parametrize("harm", ["delete", "corrupt", "empty"])
def test_label_files_of_unlabelled_cases_are_never_opened(images_that_equal_their_labels, batches_of, harm):
    dataset = images_that_equal_their_labels
    for name in dataset.cases()[3:]:
        path = dataset.label_path(name)
        path.unlink()
        if harm != "delete":
            path.write_bytes(b"no volume" if harm == "corrupt" else b"")
    source = batches_of(dataset)
    assert all(len(source.batch(n).unlabelled) == 2 for n in range(5))
    case = source._store["case_3"]
    assert case.label is None
    assert case.foreground is None


def test_the_field_of_view_is_that_of_the_largest_case_in_millimetres(images_that_equal_their_labels):
    dataset = images_that_equal_their_labels
    store = CaseStore(dataset, Preprocessing((2.0, 1.0, 1.0), PREPROCESSING.normalisation), [], memory_bytes=0)
    store.open_all(["case_0", "case_1"])
    k, j, i = store["case_0"].image.shape[1:]
    assert store.field_of_view([]) is None
    found = store.field_of_view(["case_0", "case_1"])
    assert found is not None
    # Of the images themselves, not of the grid that they are brought to.
    assert found == pytest.approx((12.0, 14.0, 14.0))
    assert (k, j, i) == (6, 14, 14)


def test_a_case_is_read_once_while_memory_lasts(images_that_equal_their_labels, reads):
    store = CaseStore(images_that_equal_their_labels, PREPROCESSING, [])
    for name in ("case_0", "case_1", "case_0", "case_1"):
        _ = store[name]
    assert reads == ["case_0", "case_1"]


def test_memory_stays_within_its_bound_and_the_least_recently_used_case_goes_first(images_that_equal_their_labels, reads):
    size = CaseStore(images_that_equal_their_labels, PREPROCESSING, [])["case_0"].nbytes
    reads.clear()
    store = CaseStore(images_that_equal_their_labels, PREPROCESSING, [], memory_bytes=2 * size)
    for name in ("case_0", "case_1", "case_0", "case_2"):
        _ = store[name]
        assert memory_of(store) <= 2 * size
    _ = store["case_0"]
    assert reads == ["case_0", "case_1", "case_2"]
    _ = store["case_1"]
    assert reads[-1] == "case_1"


@pytest.mark.parametrize(("free", "bound"), [(1 << 40, 8 << 30), (6 << 30, 3 << 30)])
def test_half_of_the_free_memory_is_taken_and_eight_gib_at_most(images_that_equal_their_labels, monkeypatch, free, bound):
    monkeypatch.setattr("dualssl.data.store.available_bytes", lambda: free)
    assert CaseStore(images_that_equal_their_labels, PREPROCESSING, [])._memory_bytes == bound


def test_a_case_larger_than_the_bound_is_still_served(images_that_equal_their_labels):
    store = CaseStore(images_that_equal_their_labels, PREPROCESSING, ["case_0"], memory_bytes=1)
    assert store["case_0"].label is not None
    assert store["case_1"].label is None
    assert list(store._kept) == ["case_1"]


def test_all_that_a_case_keeps_alive_is_counted(images_that_equal_their_labels):
    case = CaseStore(images_that_equal_their_labels, PREPROCESSING, ["case_0"])["case_0"]
    assert case.nbytes == case.image.nbytes + case.label.nbytes + case.foreground.nbytes
    # A view would keep the indices of every labelled voxel.
    assert case.foreground.base is None


def test_two_threads_that_ask_for_one_case_read_it_once(images_that_equal_their_labels, monkeypatch):
    store = CaseStore(images_that_equal_their_labels, PREPROCESSING, [])
    read, original = [], store._read

    def slow(name):
        read.append(name)
        time.sleep(0.1)
        return original(name)

    monkeypatch.setattr(store, "_read", slow)
    threads = [threading.Thread(target=store.__getitem__, args=("case_0",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == ["case_0"]
    assert store._bytes == memory_of(store)


def test_an_empty_label_map_of_a_labelled_case_is_named(dataset_of):
    image = np.random.default_rng(0).random((8, 8, 8))
    dataset = dataset_of({"a": (image, np.zeros_like(image))})
    with pytest.raises(VolumeError, match=r"a\.nrrd is empty"):
        _ = CaseStore(dataset, PREPROCESSING, ["a"])["a"]


def test_a_label_outside_the_dataset_is_named(dataset_of):
    image = np.random.default_rng(0).random((8, 8, 8))
    dataset = dataset_of({"a": (image, np.full_like(image, 5))})
    with pytest.raises(VolumeError, match=r"a\.nrrd has label value\(s\) 5"):
        _ = CaseStore(dataset, PREPROCESSING, ["a"])["a"]


def test_a_constant_image_is_named(dataset_of):
    dataset = dataset_of({"a": (np.ones((8, 8, 8)), np.ones((8, 8, 8)))})
    with pytest.raises(VolumeError, match=r"a\.nrrd has the value 1\.0 in every voxel"):
        _ = CaseStore(dataset, PREPROCESSING, [])["a"]


def test_a_case_of_which_nobody_looked_at_anything_is_refused(dataset_of):
    voxels = np.random.default_rng(1).random((12, 14, 14))
    dataset = dataset_of({"case_0": (voxels, voxels > 0.5)}, edits={"case_0": np.full(voxels.shape, UNSEEN)})
    with pytest.raises(VolumeError, match="Nobody looked at any of the labels of case 'case_0'"):
        CaseStore(dataset, Preprocessing(), ("case_0",))["case_0"]
