"""What a person asks of a fine-tuning, and how the plan follows from the library, the model and what is at hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dualssl.cases.dataset import LibraryDataset
from dualssl.dataset import Dataset
from dualssl.errors import TrainingError
from dualssl.finetune.cases import FineTuneCases
from dualssl.finetune.plan import FineTunePlan, FineTuneSettings
from dualssl.model.fit import reaches_beyond
from dualssl.model.integrity import model_sha256
from dualssl.model.manifest import Manifest
from dualssl.model.provenance import beginning, case_names, labelled_cases


@dataclass(frozen=True)
class FineTuneRequest:
    """A wish; None leaves a choice to the library.

    Attributes:
        model: folder of the parent.
        library: the cases, as they are now.
        cases: corrected cases to learn from; None takes all.
        validation: corrected cases that only decide when to end.
        replay: dataset with the parent's labelled cases; None where it is not at hand.
        replay_cases: names in it; None takes those that the parent's manifest names.
        settings: how.
    """

    model: Path
    library: LibraryDataset
    cases: tuple[str, ...] | None = None
    validation: tuple[str, ...] = ()
    replay: Dataset | None = None
    replay_cases: tuple[str, ...] | None = None
    settings: FineTuneSettings = field(default_factory=FineTuneSettings)

    def files(self, plan: FineTunePlan, manifest: Manifest) -> FineTuneCases:
        """Where the cases of a plan lie, label maps in the versions that it names.

        Raises:
            TrainingError: the library is not for this model.
            LibraryError: a case of the plan is not there any more.
        """
        for name in plan.pool:
            self.library.check_cases((name,), labelled=False, where="The pool")
        found = FineTuneCases(self.library.at_versions(plan.corrected), self.replay)
        found.check(manifest)
        return found

    def resolve(self, manifest: Manifest) -> FineTunePlan:
        """Settle every open choice.

        Args:
            manifest: of the parent.

        Raises:
            DualSSLError: no case is corrected, a case is missing or has no labels, or the library is not for this model.
        """
        FineTuneCases(self.library, self.replay).check(manifest)
        corrected = self._corrected()
        self.library.check_cases(self.validation, labelled=True, where="The list of validation cases")
        pool, too_large = self._unlabelled(manifest)
        return FineTunePlan(
            model=manifest.id,
            model_sha256=model_sha256(self.model),
            corrected={name: self._version(name) for name in corrected},
            replay=self._replayed(manifest),
            pool=pool,
            validation=self.validation,
            settings=self.settings,
            too_large=too_large,
        )

    def _unlabelled(self, manifest: Manifest) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The cases without labels that are of use, and those that are not: what a model that only knows cut-outs makes of
        whole volumes teaches nothing.
        """
        labelled, grids, seen = set(self.library.labelled_cases()), self.library.grids, manifest.field_of_view
        names = [name for name in self.library.cases() if name not in labelled]
        too_large = tuple(name for name in names if name in grids and reaches_beyond(seen, grids[name]))
        return tuple(name for name in names if name not in too_large), too_large

    def _corrected(self) -> tuple[str, ...]:
        if self.cases is None:
            chosen = tuple(name for name in self.library.labelled_cases() if name not in self.validation)
            if not chosen:
                raise TrainingError(
                    f"Library '{self.library.name}' has no corrected case to learn from: correct at least one case and save it."
                )
            return chosen
        both = sorted(set(self.cases) & set(self.validation))
        if both:
            raise TrainingError(
                f"Case '{both[0]}' is both among the cases to learn from and those of validation: remove it from one of them."
            )
        if not self.cases:
            raise TrainingError(
                "The list of cases to learn from is empty: name at least one corrected case, or give no list to use all."
            )
        self.library.check_cases(self.cases, labelled=True, where="The list of cases")
        return self.cases

    def _version(self, name: str) -> int:
        version = self.library.records[name].labels
        if version is None:
            raise TrainingError(f"Case '{name}' has no labels: correct it first, or leave it out.")
        return version.number

    def _replayed(self, manifest: Manifest) -> tuple[str, ...]:
        if self.replay is None:
            if self.replay_cases:
                raise TrainingError(
                    "Cases to replay are named, but no dataset that holds them: name it.", command_line="--replay DATASET"
                )
            return ()
        if self.replay_cases is not None:
            self.replay.check_cases(self.replay_cases, labelled=True, where="The list of cases to replay")
            return self.replay_cases
        cases = _first_learned_from(manifest)
        if not cases:
            raise TrainingError(
                f"Model '{manifest.id}' does not say which cases it was trained on: name those to replay.",
                command_line="--replay-cases CASES",
            )
        self.replay.check_cases(cases, labelled=True, where=f"Model '{manifest.id}'")
        return cases


def _first_learned_from(manifest: Manifest) -> tuple[str, ...]:
    """The labelled cases at the beginning of a model's line: those of its first ancestor, as far as manifests name them."""
    provenance = manifest.provenance
    if "replayed" not in provenance:
        return labelled_cases(provenance)
    before = beginning(provenance)
    # A fine-tuned model that does not say what came before it has no such cases: its own are corrected ones.
    return case_names(provenance["replayed"]) or (labelled_cases(before) if before is not provenance else ())
