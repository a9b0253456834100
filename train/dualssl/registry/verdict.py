"""What the gate found: plain data, kept whole in the registry beside the version it is about."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from dualssl.errors import RegistryError
from dualssl.plain_data import finite_number, plain, text
from dualssl.registry.reading import read_file

Decision = Literal["better", "not proved", "worse"]
Outcome = Literal["held", "not proved", "broken", "not assessed"]

FORMAT_VERSION = 1
_WRITES = "dualssl models compare MODEL_A MODEL_B DATASET --output FILE"


@dataclass(frozen=True)
class PairedDifference:
    """One figure of parent and child on the same cases.

    Attributes:
        parent, child: means over the cases: Dice 0..1 or mm.
        difference: child minus parent.
        low, high: ends of the interval of the difference; None where there are too few cases for one.
        p: of the two-sided sign-flip permutation test.
    """

    parent: float
    child: float
    difference: float
    low: float | None
    high: float | None
    p: float


@dataclass(frozen=True)
class StructureComparison:
    """One structure, or `mean` for the mean over the structures of each case: Dice 0..1 and HD95 in mm."""

    name: str
    dice: PairedDifference
    hd95: PairedDifference


@dataclass(frozen=True)
class SetComparison:
    """Parent and child on one set of cases.

    Attributes:
        dataset: its name, or empty.
        cases: names, in alphabetical order.
        mean: over the structures, each of the same weight.
        structures: each by itself.
        ece_parent, ece_child: expected calibration error 0..1; None where it was not measured or nothing was segmented.
    """

    dataset: str
    cases: tuple[str, ...]
    mean: StructureComparison
    structures: tuple[StructureComparison, ...]
    ece_parent: float | None
    ece_child: float | None


@dataclass(frozen=True)
class RuleResult:
    """What one rule said.

    Attributes:
        name: `gain`, `structures`, `HD95`, `calibration` or `reference`.
        outcome: `held` (for `gain`: proved), `not proved` (only `gain`), `broken` or `not assessed`.
        detail: the figures behind it, a clause without a full stop.
    """

    name: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True)
class Verdict:
    """The gate's decision and everything it rests on.

    Attributes:
        decision: `better` (to be proposed), `not proved` (kept) or `worse` (kept and marked).
        reason: one sentence.
        parent, child: ids of the models, or empty.
        rules: what each rule said.
        held_out: on the held-out cases.
        reference: on the reference set, or None where none was given.
        settings: the limits that were used, by the names of `GateRules`' fields.
    """

    decision: Decision
    reason: str
    parent: str
    child: str
    rules: tuple[RuleResult, ...]
    held_out: SetComparison
    reference: SetComparison | None
    settings: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Plain data, the inverse of `from_json`."""
        return {"format_version": FORMAT_VERSION, **plain(asdict(self))}

    @classmethod
    def from_json(cls, data: Any) -> Verdict:
        """Read plain data.

        Raises:
            RegistryError: a field is missing or of the wrong kind, or the format is newer than this program.
        """
        version = data.get("format_version") if isinstance(data, dict) else None
        if type(version) is not int or version < 1:
            raise RegistryError("This is no verdict of a comparison: give the file of one.", command_line=_WRITES)
        if version > FORMAT_VERSION:
            raise RegistryError(f"The verdict has format {version}, this program reads up to {FORMAT_VERSION}: update dualssl.")
        try:
            reference = data["reference"]
            return cls(
                decision=cast(Decision, _one_of(Decision, data["decision"])),
                reason=text(data["reason"]),
                parent=text(data["parent"]),
                child=text(data["child"]),
                rules=tuple(
                    RuleResult(text(r["name"]), cast(Outcome, _one_of(Outcome, r["outcome"])), text(r["detail"]))
                    for r in data["rules"]
                ),
                held_out=_set_comparison(data["held_out"]),
                reference=None if reference is None else _set_comparison(reference),
                settings={str(name): finite_number(value) for name, value in data["settings"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise RegistryError(f"The verdict lacks or garbles a field ({error}): compare the models anew.") from error


def read_verdict(path: Path) -> Verdict:
    """The verdict in a file that `dualssl models compare` wrote.

    Raises:
        RegistryError: there is no such file, or it holds no verdict.
    """
    return read_file(path, Verdict.from_json, "give the file of a comparison", command_line=_WRITES)


def _set_comparison(data: dict[str, Any]) -> SetComparison:
    return SetComparison(
        dataset=text(data["dataset"]),
        cases=tuple(text(case) for case in data["cases"]),
        mean=_structure(data["mean"]),
        structures=tuple(_structure(structure) for structure in data["structures"]),
        ece_parent=_number_or_none(data["ece_parent"]),
        ece_child=_number_or_none(data["ece_child"]),
    )


def _structure(data: dict[str, Any]) -> StructureComparison:
    return StructureComparison(text(data["name"]), _difference(data["dice"]), _difference(data["hd95"]))


def _difference(data: dict[str, Any]) -> PairedDifference:
    return PairedDifference(
        parent=finite_number(data["parent"]),
        child=finite_number(data["child"]),
        difference=finite_number(data["difference"]),
        low=_number_or_none(data["low"]),
        high=_number_or_none(data["high"]),
        p=finite_number(data["p"]),
    )


def _one_of(choices: Any, value: Any) -> str:
    if value not in get_args(choices):
        raise ValueError(f"{value!r} is none of {', '.join(get_args(choices))}")
    return str(value)


def _number_or_none(value: Any) -> float | None:
    return None if value is None else finite_number(value)
