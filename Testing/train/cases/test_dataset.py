"""A library is read as a dataset: by training, which takes hours while others go on correcting."""

import numpy as np
import pytest

from dualssl.case_files import read_case
from dualssl.cases import CaseState
from dualssl.errors import DatasetError, DualSSLError, LibraryError


def test_a_case_is_read_as_from_any_dataset(filled_library, image, label_map):
    dataset = filled_library.as_dataset()
    images, labels = read_case(dataset, "corrected", labelled=True)
    np.testing.assert_array_equal(images[0].array, image(2).array)
    np.testing.assert_array_equal(labels.array, label_map(4).array)
    assert (dataset.labels, dataset.channel_names, dataset.name) == (filled_library.labels, ("MRI",), "library")


def test_excluded_cases_are_left_out(filled_library):
    filled_library.set_state("waiting", CaseState.excluded)
    dataset = filled_library.as_dataset()
    assert dataset.cases() == ("corrected", "predicted")
    assert dataset.labelled_cases() == ("corrected",)
    with pytest.raises(LibraryError, match="--cases names case 'waiting', but it is excluded"):
        dataset.check_cases(("waiting",), labelled=False, where="--cases")


def test_a_training_goes_on_with_the_labels_it_began_with(filled_library, label_map):
    dataset = filled_library.as_dataset()
    filled_library.save_correction("corrected", label_map(9), reviewer="Ada")
    np.testing.assert_array_equal(read_case(dataset, "corrected", labelled=True)[1].array, label_map(4).array)
    newer = filled_library.as_dataset()
    np.testing.assert_array_equal(read_case(newer, "corrected", labelled=True)[1].array, label_map(9).array)


def test_a_dataset_outlives_the_open_library(filled_library):
    dataset = filled_library.as_dataset()
    filled_library.close()
    assert len(read_case(dataset, "waiting", labelled=False)[0]) == 1


def test_cases_are_checked_before_they_are_used(filled_library):
    dataset = filled_library.as_dataset()
    dataset.check_cases(("corrected",), labelled=True, where="--labelled")
    dataset.check_cases(dataset.cases(), labelled=False, where="--unlabelled")
    with pytest.raises(LibraryError, match="--labelled names case 'predicted', but it has no labels"):
        dataset.check_cases(("predicted",), labelled=True, where="--labelled")
    with pytest.raises(LibraryError, match="the library has no such case: did you mean 'corrected'"):
        dataset.check_cases(("corect",), labelled=True, where="--labelled")


def test_a_case_that_is_removed_while_training_is_named(filled_library):
    dataset = filled_library.as_dataset()
    filled_library.remove_case("corrected")
    with pytest.raises(DualSSLError, match=r"corrected.image_0000\.nrrd does not exist"):
        read_case(dataset, "corrected", labelled=True)
    with pytest.raises(DatasetError, match=r"its image .* does not exist"):
        dataset.check_cases(("corrected",), labelled=True, where="--labelled")
