"""Memory of the CPU from one training step to the next. Needs no torch."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Have the C library keep the memory that tensors free, for the next step to use again.

    By default glibc hands every large block back to the system, which must fill it with zeros, page by page, when the next
    step asks for one: a fifth of the time of a step (preset `paper`, width 16, two patches of 80 x 112 x 112: 6.7 against
    5.1 s). The price is that the process keeps its peak of memory until it ends, so this is for programs, not for libraries.

    Returns:
        Whether it was done; only glibc knows how (see mallopt(3)).
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, -1))
