"""Which case a person should look at next. NumPy only, no torch."""

from dualssl.worklist.candidate import Candidate
from dualssl.worklist.diversity import diversified
from dualssl.worklist.library import LibraryCandidates, library_candidates, waiting_candidates
from dualssl.worklist.ranking import Ranked, rank
from dualssl.worklist.strategies import STRATEGIES, Strategy

__all__ = [
    "Candidate",
    "LibraryCandidates",
    "Ranked",
    "STRATEGIES",
    "Strategy",
    "diversified",
    "library_candidates",
    "rank",
    "waiting_candidates",
]
