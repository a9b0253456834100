"""What one training step frees, the next one gets without asking the system."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from dualssl.allocator import keep_freed_memory

def step():
    for _ in range(4):
        np.empty(4 << 20).fill(1.0)

kept = sys.argv[1] == "keep" and keep_freed_memory()
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how):
    result = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True)
    kept, count = result.stdout.split()
    return kept == "True", int(count)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep freed memory")
def test_a_second_step_takes_no_fresh_pages():
    kept, count = faults("keep")
    assert kept
    assert count < faults("give back")[1] / 10
