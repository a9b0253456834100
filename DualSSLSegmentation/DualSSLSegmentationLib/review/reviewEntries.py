"""What is stored of a case's review: a region and a person's decision about it, as text in the segmentation node and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal, get_args

from dualssl.review import PlacedRegion

State = Literal["open", "accepted", "flagged"]
Answer = Literal["a", "b", "mean"]
STATES: tuple[str, ...] = get_args(State)
ANSWERS: tuple[str, ...] = get_args(Answer)


@dataclass(frozen=True)
class ReviewEntry:
    """A region and what a person decided about it.

    Attributes:
        region: where to look.
        state: `open` until somebody decided.
        answer: which answer was taken over for it, if one was.
        changed: when state or answer were last changed; None if never.
        touched: whether a person changed voxels of it; told by the edits, not stored.
    """

    region: PlacedRegion
    state: State = "open"
    answer: Answer | None = None
    changed: datetime | None = None
    touched: bool = False

    @property
    def decided(self) -> bool:
        """Whether a person accepted it as it is or took an answer for it."""
        return self.state == "accepted" or self.answer is not None


@dataclass(frozen=True)
class StoredEntries:
    """The stored list, read as far as it can be read.

    Attributes:
        text: as stored.
        rows: as stored, also those that cannot be read, and in their order.
        entries: those that can, in order of rank.
        places: region id -> its index in `rows`.
        problem: what cannot be read, for a person; empty where all can.
    """

    text: str
    rows: tuple[Any, ...] = ()
    entries: tuple[ReviewEntry, ...] = ()
    places: dict[int, int] | None = None
    problem: str = ""

    @classmethod
    def of(cls, text: str, name: str) -> StoredEntries:
        """Read the stored text of the case called `name`; empty text is an empty list."""
        try:
            rows = json.loads(text) if text else []
        except ValueError:
            rows = None
        if not isinstance(rows, list):
            problem = f"The review list of '{name}' cannot be read. It was left as it is: load an earlier copy of the scene."
            return cls(text, problem=problem)
        found: dict[int, ReviewEntry] = {}
        places: dict[int, int] = {}
        for place, row in enumerate(rows):
            entry = _entry(row)
            if entry is not None and entry.region.id not in found:
                found[entry.region.id], places[entry.region.id] = entry, place
        lost = len(rows) - len(found)
        problem = f"{lost} of {len(rows)} regions in the review list of '{name}' cannot be read. They were left as they are."
        return cls(text, tuple(rows), tuple(found[i] for i in sorted(found)), places, problem if lost else "")

    def decided(self, decisions: dict[int, dict[str, str | None]]) -> list[Any]:
        """The rows with other states and answers for some regions; what else a row holds stays.

        Args:
            decisions: region id -> new `state`, new `answer`, or both.
        """
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        rows = list(self.rows)
        for entry in self.entries:
            before: dict[str, str | None] = {"state": entry.state, "answer": entry.answer}
            after = {**before, **decisions.get(entry.region.id, {})}
            if after != before and self.places is not None:
                place = self.places[entry.region.id]
                rows[place] = {**rows[place], **after, "changed": now}
        return rows


def _entry(row: Any) -> ReviewEntry | None:
    """An entry, or None where the row is not one."""
    try:
        state, answer, changed = row.get("state", "open"), row.get("answer"), row.get("changed")
        if state not in STATES or not (answer is None or answer in ANSWERS):
            return None
        return ReviewEntry(
            PlacedRegion.from_json(row["region"]), state, answer, None if changed is None else datetime.fromisoformat(changed)
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
