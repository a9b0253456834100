"""A dataset folder and lists of its cases: what is found, and what each mistake says."""

import json
from pathlib import Path

import pytest

from dualssl.dataset import read_case_list, read_dataset
from dualssl.errors import DatasetError

ONE = {"labels": {"background": 0, "left atrium": 1}, "channel_names": {"0": "MRI"}, "file_ending": ".nrrd"}
TWO = {**ONE, "channel_names": {"0": "T1", "1": "T2"}}


@pytest.fixture
def folder_of(tmp_path):
    """Makes a dataset folder with empty files: only their names matter here."""

    def make(images, description=ONE, labels=()):
        for subfolder, names in (("images", images), ("labels", labels)):
            (tmp_path / subfolder).mkdir()
            for name in names:
                (tmp_path / subfolder / name).touch()
        text = description if isinstance(description, str) else json.dumps(description)
        (tmp_path / "dataset.json").write_text(text, encoding="utf-8")
        return tmp_path

    return make


def test_a_dataset_says_its_name_labels_channels_and_cases(folder_of):
    dataset = read_dataset(folder_of(["b.nrrd", "a.nrrd"], {**ONE, "name": "LA 2018"}))
    assert dataset.name == "LA 2018"
    assert dataset.labels.names == ("left atrium",)
    assert dataset.channel_names == ("MRI",)
    assert dataset.cases() == ("a", "b")


def test_without_a_name_a_dataset_is_called_as_its_folder(folder_of, tmp_path):
    assert read_dataset(folder_of(["a.nrrd"])).name == tmp_path.name


def test_channels_come_in_the_order_of_their_numbers(folder_of):
    description = {**TWO, "channel_names": {"1": "T2", "0": "T1"}}
    dataset = read_dataset(folder_of(["a_0000.nrrd", "a_0001.nrrd"], description))
    assert dataset.channel_names == ("T1", "T2")
    assert [p.name for p in dataset.image_paths("a")] == ["a_0000.nrrd", "a_0001.nrrd"]


def test_other_file_endings_work(folder_of):
    dataset = read_dataset(folder_of(["a.nii.gz"], {**ONE, "file_ending": ".nii.gz"}))
    assert dataset.cases() == ("a",)
    assert dataset.label_path("a").name == "a.nii.gz"


ODD_NAMES = ["patient001_frame01", "patient001_frame12", "a_b_c", "case_0000", "case_0001", "case_0002", "x_1234", "a_test"]


def test_with_one_channel_names_keep_their_underscores_and_digits(folder_of):
    dataset = read_dataset(folder_of([f"{name}.nrrd" for name in ODD_NAMES]))
    assert dataset.cases() == tuple(sorted(ODD_NAMES))
    for name in ODD_NAMES:
        assert [p.name for p in dataset.image_paths(name)] == [f"{name}.nrrd"]


def test_with_one_channel_files_may_still_be_numbered(folder_of):
    names = ["patient001_frame01", "a_b", "x_1234"]
    dataset = read_dataset(folder_of([f"{name}_0000.nrrd" for name in names], labels=[f"{name}.nrrd" for name in names]))
    assert dataset.cases() == tuple(sorted(names))
    assert [p.name for p in dataset.image_paths("x_1234")] == ["x_1234_0000.nrrd"]


def test_a_single_case_called_a_0000_is_told_from_a_numbered_channel_by_its_label_map(folder_of):
    assert read_dataset(folder_of(["a_0000.nrrd"], labels=["a_0000.nrrd"])).cases() == ("a_0000",)


@pytest.mark.parametrize("name", [*ODD_NAMES, "a_0000"])
def test_with_several_channels_only_the_last_number_is_the_channel(folder_of, name):
    dataset = read_dataset(folder_of([f"{name}_0000.nrrd", f"{name}_0001.nrrd"], TWO, labels=[f"{name}.nrrd"]))
    assert dataset.cases() == (name,)
    assert [p.name for p in dataset.image_paths(name)] == [f"{name}_0000.nrrd", f"{name}_0001.nrrd"]
    dataset.check_cases((name,), labelled=True, where="--labelled")


def test_with_several_channels_a_file_without_number_is_no_case(folder_of):
    assert read_dataset(folder_of(["a_0000.nrrd", "a_0001.nrrd", "mean.nrrd", "my_test.nrrd"], TWO)).cases() == ("a",)


def test_hidden_files_are_no_cases(folder_of):
    assert read_dataset(folder_of(["a.nrrd", "._a.nrrd", ".1a2b3c4d-b.nrrd"])).cases() == ("a",)


def test_no_folder_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"no dataset folder .*nowhere"):
        read_dataset(tmp_path / "nowhere")


def test_a_missing_dataset_json_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"has no dataset\.json"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "3",
        "{}",
        json.dumps({"labels": ONE["labels"]}),
        json.dumps({"channel_names": ONE["channel_names"]}),
        json.dumps({**ONE, "labels": ["left atrium"]}),
        json.dumps({**ONE, "channel_names": {}}),
        json.dumps({**ONE, "channel_names": ["MRI"]}),
        json.dumps({**ONE, "channel_names": {"1": "MRI"}}),
    ],
)
def test_an_unusable_dataset_json_says_what_it_needs(folder_of, text):
    with pytest.raises(DatasetError, match=r"dataset\.json.*needs `labels` and `channel_names`"):
        read_dataset(folder_of(["a.nrrd"], text))


def test_an_unusable_label_is_named(folder_of):
    with pytest.raises(DatasetError, match=r"'left atrium'.*'1'"):
        read_dataset(folder_of(["a.nrrd"], {**ONE, "labels": {"left atrium": "1"}}))


def test_a_file_ending_without_dot_is_refused(folder_of):
    with pytest.raises(DatasetError, match="begin it with a dot"):
        read_dataset(folder_of(["a.nrrd"], {**ONE, "file_ending": "nrrd"}))


def test_no_image_of_the_file_ending_is_an_error_that_names_it(folder_of):
    with pytest.raises(DatasetError, match=r"images holds no '\*\.nrrd' file"):
        read_dataset(folder_of(["a.nii.gz"]))


def test_several_channels_without_numbered_files_is_an_error_that_names_the_number(folder_of):
    with pytest.raises(DatasetError, match=r"holds no '\*_0000\.nrrd' file"):
        read_dataset(folder_of(["a.nrrd"], TWO))


@pytest.fixture
def two_cases_one_labelled(folder_of):
    return read_dataset(folder_of(["a.nrrd", "b.nrrd"], labels=["a.nrrd"]))


def test_cases_with_all_their_files_pass(two_cases_one_labelled):
    two_cases_one_labelled.check_cases(("a",), labelled=True, where="--labelled")
    two_cases_one_labelled.check_cases(("a", "b"), labelled=False, where="--unlabelled")


@pytest.mark.parametrize(("case", "kind"), [("b", "label map"), ("c", "image")])
def test_a_missing_file_is_named_with_its_case_and_list(two_cases_one_labelled, case, kind):
    with pytest.raises(DatasetError, match=rf"--labelled names case '{case}', but its {kind} .*{case}\.nrrd does not exist"):
        two_cases_one_labelled.check_cases(("a", case), labelled=True, where="--labelled")


def test_a_missing_second_channel_is_named(folder_of):
    dataset = read_dataset(folder_of(["a_0000.nrrd"], TWO))
    with pytest.raises(DatasetError, match=r"a_0001\.nrrd"):
        dataset.check_cases(("a",), labelled=False, where="--unlabelled")


@pytest.fixture
def list_file(tmp_path):
    def make(text, name="list.txt"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    return make


def test_a_list_file_holds_a_case_a_line_with_comments_and_blanks(list_file):
    text = "# the eight of the paper\nb\n\n  a  # first\r\npatient001_frame01\n"
    assert read_case_list(list_file(text), "--labelled") == ("b", "a", "patient001_frame01")


def test_a_list_file_from_windows_may_start_with_a_byte_order_mark(list_file):
    assert read_case_list(list_file("\ufeffa\r\nb\r\n"), "--labelled") == ("a", "b")


def test_a_list_may_be_given_on_the_spot(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert read_case_list("b, a,c_0000,", "--labelled") == ("b", "a", "c_0000")
    assert read_case_list("a", "--labelled") == ("a",)


def test_a_list_on_the_spot_may_be_longer_than_a_file_name():
    names = tuple(f"patient{n:03d}_frame01" for n in range(300))
    assert read_case_list(",".join(names), "--labelled") == names


def test_a_file_called_as_a_case_is_read_as_a_list(list_file, monkeypatch):
    path = Path(list_file("a\nb\n", name="labelled"))
    monkeypatch.chdir(path.parent)
    assert read_case_list("labelled", "--labelled") == ("a", "b")


@pytest.mark.parametrize("text", ["nowhere.txt", "lists/nowhere", "nowhere.csv"])
def test_what_looks_like_a_file_must_exist(text):
    with pytest.raises(DatasetError, match=f"--validation {text}: there is no such file"):
        read_case_list(text, "--validation")


@pytest.mark.parametrize("text", ["", "\n\n", "# a\n#b\n"])
def test_an_empty_list_file_is_refused(list_file, text):
    with pytest.raises(DatasetError, match=r"--labelled .* lists no case"):
        read_case_list(list_file(text), "--labelled")


@pytest.mark.parametrize("text", ["", ",", " , "])
def test_an_empty_list_on_the_spot_is_refused(text):
    with pytest.raises(DatasetError, match="lists no case"):
        read_case_list(text, "--labelled")


def test_a_case_named_twice_is_refused(list_file):
    with pytest.raises(DatasetError, match="lists case 'b' more than once"):
        read_case_list(list_file("a\nb\nb\n"), "--labelled")
    with pytest.raises(DatasetError, match="lists case 'b' more than once"):
        read_case_list("a,b, b", "--labelled")


def test_a_list_that_is_no_text_is_refused(list_file):
    with pytest.raises(DatasetError, match="cannot be read as text"):
        read_case_list(list_file(b"\xff\xfe\x00a"), "--labelled")
