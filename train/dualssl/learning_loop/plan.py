"""What a learning loop was asked to do: plain data, written beside its results and compared when it goes on. No torch."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from dualssl.errors import TrainingError
from dualssl.finetune.plan import FineTuneSettings
from dualssl.learning_loop.reader import ReaderSettings
from dualssl.plain_data import StoredSettings

RANKED = "ranked"
RANDOM = "random"

_RANDOM = re.compile(rf"{RANDOM}(?:-([2-9]|[1-9]\d+))?")


@dataclass(frozen=True)
class Order:
    """In which order cases are corrected.

    Attributes:
        name: `ranked`, `random`, or `random-2`, `random-3` ... for further random orders.
        strategy: of `dualssl.worklist.rank`.
        seed: of that strategy.
    """

    name: str
    strategy: str
    seed: int

    @property
    def random(self) -> bool:
        """Whether chance decides."""
        return self.strategy == RANDOM

    @classmethod
    def named(cls, name: str, seed: int) -> Order:
        """The order of that name in a loop with this seed.

        Raises:
            TrainingError: there is none.
        """
        if name == RANKED:
            return cls(name, "combined", seed)
        match = _RANDOM.fullmatch(name)
        if match is None:
            raise TrainingError(f"--orders names '{name}': use {RANKED}, {RANDOM}, or {RANDOM}-2, {RANDOM}-3 and so on.")
        return cls(name, RANDOM, seed + int(match[1] or 1) - 1)


@dataclass(frozen=True)
class LoopPlan(StoredSettings):
    """A learning loop, apart from where its files are.

    Attributes:
        model: id of the model that the loop begins with.
        model_sha256: of its list of checksums, and so of all its files.
        dataset: name of the dataset.
        pool: cases that can be corrected; only the simulated reader sees their labels.
        validation: cases that every model is scored on, and nothing else.
        old: labelled cases that the model learned from; replayed, and forgetting is measured on them.
        rounds: numbers of corrected cases, growing; after each there is a fine-tuning.
        orders: names of the orders in which cases are corrected, see `Order`.
        reader: how cases are corrected.
        settings: of every fine-tuning; its seed is also that of the random orders.
        repredict: whether the cases that are left are predicted anew by the newest model before they are ranked again.
        scratch_iterations: steps of a training from scratch on the same cases after each round; 0 leaves it out.
    """

    model: str
    model_sha256: str
    dataset: str
    pool: tuple[str, ...]
    validation: tuple[str, ...]
    old: tuple[str, ...]
    rounds: tuple[int, ...] = (1, 2, 4, 8)
    orders: tuple[str, ...] = (RANKED, RANDOM)
    reader: ReaderSettings = field(default_factory=ReaderSettings)
    settings: FineTuneSettings = field(default_factory=FineTuneSettings)
    repredict: bool = False
    scratch_iterations: int = 0

    def __post_init__(self) -> None:
        self._check_cases()
        rounds = ",".join(map(str, self.rounds))
        if not self.rounds or self.rounds[0] < 1 or any(a >= b for a, b in zip(self.rounds, self.rounds[1:], strict=False)):
            raise TrainingError(f"--rounds {rounds}: give growing numbers of cases from 1 on, such as 1,2,4,8.")
        if self.rounds[-1] > len(self.pool):
            raise TrainingError(
                f"--rounds {rounds} corrects {self.rounds[-1]} cases, but --pool has {len(self.pool)}: name more cases there, "
                "or leave out the last rounds."
            )
        if not self.orders or len(set(self.orders)) != len(self.orders):
            raise TrainingError(f"--orders {','.join(self.orders)}: name each order once, such as {RANKED},{RANDOM}.")
        for name in self.orders:
            Order.named(name, self.settings.seed)
        if self.reader.regions < 1:
            raise TrainingError(
                f"--regions {self.reader.regions}: a reader who mends no region corrects nothing, give 1 or more."
            )
        if self.scratch_iterations < 0:
            raise TrainingError(f"--scratch-iterations {self.scratch_iterations}: give 0 (left out) or more.")

    def all_orders(self) -> tuple[Order, ...]:
        """The orders that `orders` names."""
        return tuple(Order.named(name, self.settings.seed) for name in self.orders)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> LoopPlan:
        """Inverse of `to_json`; KeyError, TypeError or ValueError where `data` are something else."""
        return cls(
            model=str(data["model"]),
            model_sha256=str(data["model_sha256"]),
            dataset=str(data["dataset"]),
            pool=tuple(map(str, data["pool"])),
            validation=tuple(map(str, data["validation"])),
            old=tuple(map(str, data["old"])),
            rounds=tuple(map(int, data["rounds"])),
            orders=tuple(map(str, data["orders"])),
            reader=ReaderSettings(**data["reader"]),
            settings=FineTuneSettings.from_json(data["settings"]),
            repredict=bool(data["repredict"]),
            scratch_iterations=int(data["scratch_iterations"]),
        )

    def _check_cases(self) -> None:
        lists = (("--pool", self.pool), ("--validation", self.validation), ("--old", self.old))
        for option, cases in lists:
            if not cases:
                raise TrainingError(f"{option} names no case: name at least one.")
        for number, (option, cases) in enumerate(lists):
            for other, others in lists[number + 1 :]:
                both = sorted(set(cases) & set(others))
                if both:
                    raise TrainingError(
                        f"Case '{both[0]}' is in both {option} and {other} ({len(both)} such): remove it from one of them."
                    )
