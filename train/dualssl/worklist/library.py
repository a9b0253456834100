"""The candidates that a case library holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dualssl.worklist.candidate import Candidate

if TYPE_CHECKING:
    from dualssl.cases import CaseRecord


@dataclass(frozen=True)
class LibraryCandidates:
    """Cases of a library that can be ranked, and those that cannot.

    Attributes:
        candidates: cases whose newest prediction came with scores.
        without_scores: names of the cases whose prediction has none, for instance because another program stored it.
    """

    candidates: tuple[Candidate, ...]
    without_scores: tuple[str, ...]


def library_candidates(cases: Iterable[CaseRecord]) -> LibraryCandidates:
    """Candidates from records, each by its newest prediction.

    Args:
        cases: such as `library.cases(CaseState.predicted)`: cases in review or corrected are in good hands already.
    """
    candidates: list[Candidate] = []
    without: list[str] = []
    for case in cases:
        if case.prediction is None:
            without.append(case.name)
            continue
        try:
            scores, features = case.prediction.scores, case.prediction.features
            candidates.append(Candidate.from_scores(case.name, case.group, scores, features))
        except ValueError:
            without.append(case.name)
    return LibraryCandidates(tuple(candidates), tuple(without))
