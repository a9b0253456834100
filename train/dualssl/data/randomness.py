"""Random numbers as a pure function of what they are for.

Every draw of a training run is derived from (seed, purpose, indices) instead of from a generator that runs along: a resumed
run then needs no saved generator state to go on exactly as the uninterrupted one would.
"""

from __future__ import annotations

import zlib

import numpy as np


def derived_seed(seed: int, purpose: str, *indices: int) -> int:
    """A 32-bit seed that depends on all arguments; unlike arguments give unrelated seeds."""
    sequence = np.random.SeedSequence([seed & 0xFFFFFFFF, zlib.crc32(purpose.encode()), *(i & 0xFFFFFFFF for i in indices)])
    return int(sequence.generate_state(1)[0])


def derived_generator(seed: int, purpose: str, *indices: int) -> np.random.Generator:
    """A generator seeded by `derived_seed`."""
    return np.random.default_rng(derived_seed(seed, purpose, *indices))
