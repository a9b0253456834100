"""The candidates that a case library holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dualssl.worklist.candidate import Candidate
from dualssl.worklist.ranking import Ranked, rank

if TYPE_CHECKING:
    from dualssl.cases import CaseRecord


@dataclass(frozen=True)
class LibraryCandidates:
    """Cases of a library that can be ranked, and those that cannot.

    Attributes:
        candidates: cases whose newest prediction came with scores.
        without_scores: names of the cases whose prediction has none, for instance because another program stored it.
        chosen: descriptors of the cases that a person has looked at already, as far as they have one.
        without_prediction: how many cases still wait for a prediction.
    """

    candidates: tuple[Candidate, ...]
    without_scores: tuple[str, ...]
    chosen: tuple[tuple[float, ...], ...] = ()
    without_prediction: int = 0

    def ranked(self, strategy: str = "combined", seed: int = 0, diverse: bool = True) -> tuple[Ranked, ...]:
        """The worklist; arguments and errors as of `rank`."""
        return rank(self.candidates, strategy, seed, diverse, self.chosen)

    def to_json(self, ranked: Iterable[Ranked]) -> dict[str, Any]:
        """Plain data for programs: `cases` (places of the worklist, each with its `group`) and what they are taken from.

        Args:
            ranked: of `ranked`, all or the first.
        """
        groups = {candidate.name: candidate.group for candidate in self.candidates}
        return {
            "cases": [{**case.to_json(), "group": groups[case.name]} for case in ranked],
            "candidates": len(self.candidates),
            "without_scores": list(self.without_scores),
            "without_prediction": self.without_prediction,
        }


def waiting_candidates(cases: Iterable[CaseRecord]) -> LibraryCandidates:
    """What there is to rank in a library: its predicted cases, beside those in review and corrected, which were chosen before.

    Args:
        cases: all of the library, as `library.cases()` gives them.
    """
    from dualssl.cases.states import CaseState

    listed = list(cases)
    predicted = [case for case in listed if case.state is CaseState.predicted]
    found = library_candidates(predicted, [c for c in listed if c.state in (CaseState.in_review, CaseState.corrected)])
    return replace(found, without_prediction=sum(case.state is CaseState.waiting for case in listed))


def library_candidates(cases: Iterable[CaseRecord], chosen: Iterable[CaseRecord] = ()) -> LibraryCandidates:
    """Candidates from records, each by its newest prediction.

    Args:
        cases: such as `library.cases(CaseState.predicted)`: cases in review or corrected are in good hands already.
        chosen: cases that a person has looked at already.
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
    descriptors = (case.prediction.features for case in chosen if case.prediction is not None)
    return LibraryCandidates(tuple(candidates), tuple(without), tuple(features for features in descriptors if features))
