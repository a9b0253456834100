"""Several processes add, correct and read at once; the index decides, and nobody's work is lost."""

import json
import subprocess
import sys
from collections import Counter

from dualssl.cases import CaseLibrary
from dualssl.cases.check import check_library

WORKER = """
import json, sys
from pathlib import Path
import numpy as np
from dualssl.cases import CaseLibrary
from dualssl.errors import LibraryError
from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume

me = int(sys.argv[2])
grid = Geometry((2, 3, 4))
added, saved = [], []
with CaseLibrary.open(Path(sys.argv[1])) as library:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(6):
        image = Volume(np.arange(24, dtype=np.int16).reshape(grid.shape) + 100 * me, grid)
        try:
            library.add_case(f"case_{number}", [image])
            added.append(number)
        except LibraryError as error:
            assert "already" in str(error), error
        labels = Volume(np.full(grid.shape, me % 3, np.uint8), grid)
        version = library.save_correction(f"case_{number}", labels, reviewer=f"process {me}")
        saved.append([number, version.number])
        assert len(library.cases()) > number
print(json.dumps({"added": added, "saved": saved}))
"""


def test_each_case_is_added_once_and_every_correction_is_a_version_of_its_own(library):
    library.close()
    command = [sys.executable, "-c", WORKER, str(library.folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    workers = [subprocess.Popen([*command, str(me)], **pipes) for me in range(4)]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    results = [json.loads(worker.communicate()[0]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4

    assert Counter(number for result in results for number in result["added"]) == Counter(range(6))
    with CaseLibrary.open(library.folder) as reopened:
        for number in range(6):
            saved = [version for result in results for case, version in result["saved"] if case == number]
            assert sorted(saved) == [1, 2, 3, 4]
            for version in reopened.label_versions(f"case_{number}"):
                writer = int(version.reviewer.split()[1])
                assert [number, version.number] in results[writer]["saved"]
                assert (reopened.read_labels(f"case_{number}", version.number).array == writer % 3).all()
    assert check_library(library.folder).problems == ()
