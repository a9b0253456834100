"""How a fine-tuned model is proved: which corrected cases are held out from which training."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from dualssl.cases.records import CaseRecord
from dualssl.finetune.plan import FineTunePlan
from dualssl.model.manifest import Manifest
from dualssl.model.provenance import labelled_cases
from dualssl.registry.folds import folds, held_out

MANY_PATIENTS = 12
"""From so many on, a part of the cases is held out for good; with fewer, every case is needed for training."""

HELD_OUT_SHARE = 0.25
_FEWEST_HELD_OUT = 3
FOLDS = 3


@dataclass(frozen=True)
class Proof:
    """The trainings and comparisons that a proof consists of.

    Attributes:
        held_out: cases that the model itself is never trained on, and is compared with its parent on.
        folds: for each extra training, the cases held out from it; the model itself is then trained on all.
        reason: a sentence that says what is done, or why nothing can be.
    """

    held_out: tuple[str, ...] = ()
    folds: tuple[tuple[str, ...], ...] = ()
    reason: str = ""

    @property
    def cases(self) -> tuple[str, ...]:
        """All cases on which the comparison rests."""
        return tuple(sorted((*self.held_out, *(name for fold in self.folds for name in fold))))


def proof_of(
    plan: FineTunePlan,
    records: Mapping[str, CaseRecord],
    parent: Manifest,
    dataset: str,
    partly_seen: Container[str] = (),
) -> Proof:
    """Choose held-out cases.

    Cases that the parent was trained on would flatter it, so that only newer ones count. So would cases that a person saw only
    in part: their other labels are the parent's own.

    Args:
        plan: what is to be trained.
        records: of the library's cases.
        parent: the model to be compared with.
        dataset: name of the library, by which the parent's manifest knows its cases.
        partly_seen: cases with labels that nobody looked at.
    """
    known = set(labelled_cases(parent.provenance, dataset))
    new = [(name, records[name].group) for name in plan.corrected if name not in known and name not in partly_seen]
    patients = len({group for _, group in new})
    if patients >= MANY_PATIENTS:
        out = held_out(new, HELD_OUT_SHARE)
        if len({records[name].group for name in out}) >= _FEWEST_HELD_OUT:
            return Proof(
                held_out=out,
                reason=f"{len(out)} of {len(plan.corrected)} corrected cases are held out from training and compared on.",
            )
    if patients >= 2:
        count = min(FOLDS, patients)
        parts = tuple(out for _, out in folds(new, count))
        return Proof(
            folds=parts,
            reason=f"The {len(new)} new corrected cases are held out in turn, from {count} extra trainings, and compared on.",
        )
    return Proof(
        reason="Corrected cases of at least two patients, seen as a whole and new to the parent, are needed to prove a gain."
    )
