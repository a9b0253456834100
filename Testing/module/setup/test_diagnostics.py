"""Diagnostics help whoever looks into a fault, and name nobody."""

import logging
import platform
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from DualSSLSegmentationLib.setup import anonymousLines
from DualSSLSegmentationLib.setup.anonymousLines import withoutPerson
from DualSSLSegmentationLib.setup.diagnostics import LINES, Diagnostics, RecentLog, placeText

NAMES = st.text("abcdefghijklmnopqrstuvwxyzäéüß", min_size=2, max_size=9).map(lambda tail: "Xq" + tail)
"""Names that no other word of a line contains."""
SENTENCES = st.sampled_from(
    [
        "/data/{a} {b}/scan 1.nrrd could not be written because the disk is full: free some space.",
        "/data/{a} {b}/scan 1 exists already: choose another folder.",
        "C:\\Users\\{a}\\Studies of {b}\\image.nii.gz is missing",
        "\\\\server\\share\\{a}\\{b} 2.dcm is missing",
        "~/{a}/{b}.mha is missing",
        "~{a}/{b} is missing",
        "/data/study of {a} and {b} in May/scan 1.nrrd is missing",
        "/{a} {b} exists already: choose another folder.",
        "file:///home/{a}/{b}.nrrd is missing",
        "cases/{a}/{b}.nrrd is missing",
        "Reading {a}_{b}.seg.nrrd",
        "The volume '{a} {b}' was deleted while it was being segmented.",
        "The volume '{a} O'{b}' was deleted.",
        'The volume "{a}^{b}" was changed: segment it again.',
        "Patient {a}^{b}^^Dr was read",
        "mail to {a}.{b}@hospital.example",
        "unfinished '{a} {b}",
        "VolumeError: (/mnt/{a}/{b}/x.nrrd)",
        'File "/home/{a}/work/{b}/train/dualssl/files.py", line 7, in write',
        "--log=/home/{a}/log of {b}.txt --model C:/{a}/{b}",
    ]
)


@pytest.fixture
def own_names(monkeypatch):
    """A user and a computer with names of their own."""
    monkeypatch.setattr(Path, "home", lambda: Path("/persons/maria"))
    monkeypatch.setattr("getpass.getuser", lambda: "mschmidt")
    monkeypatch.setattr("socket.gethostname", lambda: "radiology-pc7")
    anonymousLines._ownNames.cache_clear()
    yield
    anonymousLines._ownNames.cache_clear()


@given(SENTENCES, NAMES, NAMES)
def test_no_name_of_a_file_folder_node_or_person_comes_through(sentence, a, b):
    cleaned = withoutPerson("2026-02-03 10:11:12,345 ERROR dualssl.worker: " + sentence.format(a=a, b=b))
    assert a not in cleaned
    assert b not in cleaned
    assert cleaned.startswith("2026-02-03 10:11:12,345 ERROR dualssl.worker: ")


@pytest.mark.parametrize(
    ("line", "cleaned"),
    [
        ("born 1956-04-23, scanned 20240131", "born <date>, scanned <date>"),
        ("born 23.4.1956 or 4/23/56", "born <date> or <date>"),
        ("patient 00417345 and MRN-12345", "patient <number> and <number>"),
        ("series 1.2.840.113619.2.55.3", "series <uid>"),
        ("2026-02-03T10:11:12Z read 2026-02-03", "2026-02-03T10:11:12Z read <date>"),
    ],
)
def test_dates_and_numbers_of_a_patient_are_left_out(line, cleaned):
    assert withoutPerson(line) == cleaned


@pytest.mark.parametrize(
    "line",
    [
        "torch 2.13.0+cu126, monai 1.6.1, driver 570.86.15, dualssl 0.1.0",
        "step 120/2000, loss 0.4321, Dice 0.9113, 3.2 s",
        "The GPU has 141.2 GB; 12.5 GB are free (8 %).",
        "the engine's process ended with status -9",
        "input 180 x 140 x 88 voxels of 0.625 x 0.625 x 1.25 mm",
        "Job 'predict' failed on 'cuda'.",
    ],
)
def test_what_helps_stays(line):
    assert withoutPerson(line) == line


def test_a_traceback_keeps_the_programs_own_files_and_lines():
    assert (
        withoutPerson('  File "/opt/of somebody/Slicer/lib/python3.12/site-packages/torch/nn/module.py", line 7, in forward')
        == "  File site-packages/torch/nn/module.py, line 7, in forward"
    )
    windows = 'File "C:\\Users\\somebody\\x\\DualSSLSegmentationLib\\overlays.py", line 3'
    assert withoutPerson(windows) == "File DualSSLSegmentationLib/overlays.py, line 3"


@given(st.text(max_size=80))
def test_any_line_is_taken(line):
    assert isinstance(withoutPerson(line), str)


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=60))
def test_cleaning_a_clean_line_takes_nothing_that_identifies_back_in(line):
    assert "\x00" not in withoutPerson(line)


def test_the_names_of_user_and_computer_are_left_out(own_names):
    assert withoutPerson("mschmidt started it on RADIOLOGY-PC7 for maria.") == "<user> started it on <user> for <user>."
    assert withoutPerson("marianne stays") == "marianne stays"


def test_the_home_folder_becomes_a_tilde(own_names):
    assert placeText(Path("/persons/maria/models")) == "~/models"
    assert placeText(Path("/persons/maria")) == "~"
    assert placeText(Path("/persons/mariana/models")) == "/persons/mariana/models"
    assert placeText(Path("/data/mschmidt/models")) == "/data/<user>/models"


def test_the_text_has_versions_devices_places_and_the_end_of_the_log(own_names):
    text = Diagnostics(
        application="Slicer 5.12.3 (revision 1)",
        engine="0.1.0",
        worker={"python": "3.12.4", "torch": "2.13.0+cu126", "program": "/persons/maria/env/bin/python"},
        devices=[{"id": "cuda:0", "name": "NVIDIA H200", "memory_gb": 141.0}],
        places={"models": Path("/persons/maria/models")},
        log=[f"line {number}" for number in range(500)],
    ).text()
    lines = text.splitlines()
    for expected in (
        "Application: Slicer 5.12.3 (revision 1)",
        "Engine: dualssl 0.1.0",
        f"System: {platform.platform()}",
        "  torch: 2.13.0+cu126",
        "  device cuda:0: NVIDIA H200, 141.0 GB",
        "  models: ~/models",
        "  line 499",
    ):
        assert expected in lines
    assert any(line.startswith("numpy: ") and line != "numpy: not imported" for line in lines)
    assert "maria" not in text
    assert sum(line.startswith("  line ") for line in lines) == LINES


def test_without_a_worker_and_a_log_it_says_so():
    text = Diagnostics("Slicer", "0.1.0").text()
    assert "none has run yet" in text
    assert "nothing was logged" in text


@pytest.fixture
def recent_log():
    log = RecentLog(3)
    log.attach(["DualSSLSegmentationLib"])
    yield log
    log.detach(["DualSSLSegmentationLib"])


def test_the_last_lines_that_the_module_logs_are_kept(recent_log):
    logger = logging.getLogger("DualSSLSegmentationLib.jobs.jobState")
    for number in range(5):
        logger.error("fault %d", number)
    assert [line.split(": ")[-1] for line in recent_log.lines()] == ["fault 2", "fault 3", "fault 4"]
    assert "ERROR DualSSLSegmentationLib.jobs.jobState: fault 4" in recent_log.lines()[-1]


def test_what_others_log_is_not_kept(recent_log):
    logging.getLogger("SampleData").error("somebody else's")
    assert recent_log.lines() == ()


def test_lines_of_a_traceback_are_kept_one_by_one(recent_log):
    try:
        raise ValueError("wrong")
    except ValueError:
        logging.getLogger("DualSSLSegmentationLib").exception("It failed.")
    assert recent_log.lines()[-1] == "ValueError: wrong"
    recent_log.add("from the worker\n\nand more\n")
    assert recent_log.lines()[-2:] == ("from the worker", "and more")
