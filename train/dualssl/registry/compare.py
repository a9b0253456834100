"""Scores for the gate: from the form that `dualssl evaluate` writes, or from two models and a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualssl.dataset import Dataset
from dualssl.errors import DatasetError, RegistryError
from dualssl.model.fit import check_fit
from dualssl.model.integrity import model_sha256, verify_model
from dualssl.model.manifest import Manifest
from dualssl.model.provenance import labelled_cases
from dualssl.registry.gate import GateRules, judge
from dualssl.registry.reading import read_file
from dualssl.registry.scores import Calibration, ScoredCase, ScoredSet, ScoredStructure
from dualssl.registry.verdict import Verdict

if TYPE_CHECKING:
    from dualssl.devices import DeviceChoice
    from dualssl.evaluation.case import CaseEvaluation

OnCase = Callable[[int, int, str], None]
"""Told how many evaluations are done, of how many, and what the newest gave."""


@dataclass(frozen=True)
class CaseSet:
    """Labelled cases of a dataset."""

    dataset: Dataset
    cases: tuple[str, ...]


def scores_of(evaluation: Mapping[str, Any]) -> ScoredSet:
    """The gate's input from what `dualssl evaluate` writes, or from `Evaluation.to_json`.

    Args:
        evaluation: plain data with `cases` and, as far as known, `model`, `dataset` and `uncertainty`.

    Raises:
        RegistryError: a field is missing or of the wrong kind, there is no case, or a figure is not finite.
    """
    try:
        return ScoredSet(
            cases=tuple(_case(case) for case in evaluation["cases"]),
            calibration=_calibration(evaluation.get("uncertainty", {}).get("calibration")),
            model=str(evaluation.get("model", "")),
            dataset=str(evaluation.get("dataset", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise RegistryError(
            f"These are no scores of a model, for they lack or garble a field ({error}): use those of an evaluation.",
            command_line="dualssl evaluate MODEL DATASET --output FILE",
        ) from error


def read_scores(path: Path) -> ScoredSet:
    """`scores_of` a file that `dualssl evaluate` wrote.

    Raises:
        RegistryError: there is no such file, or as `scores_of`.
    """
    return read_file(
        path, scores_of, "give the file of an evaluation", command_line="dualssl evaluate MODEL DATASET --output FILE"
    )


def _case(data: Mapping[str, Any]) -> ScoredCase:
    structures = (
        ScoredStructure(str(name), float(figures["dice"]), float(figures["hd95"]))
        for name, figures in data["structures"].items()
    )
    return ScoredCase(str(data["case"]), tuple(structures))


def _calibration(data: Mapping[str, Any] | None) -> Calibration | None:
    if data is None:
        return None
    # An empty bin has no accuracy and no confidence; what stands for them counts for nothing.
    accuracy, confidence = (tuple(float(v or 0.0) for v in data[key]) for key in ("accuracy", "confidence"))
    return Calibration(tuple(int(n) for n in data["voxels"]), accuracy, confidence)


def held_out_cases(dataset: Dataset, manifests: Sequence[Manifest], wanted: Sequence[str] | None = None) -> tuple[str, ...]:
    """The cases of a dataset on which models can be compared: labelled, and not among those that they learned from.

    A model's manifest names its dataset and the labelled cases it was trained on; with a dataset of another name, all its cases
    count as unseen.

    Args:
        dataset: where the cases are.
        manifests: of the models.
        wanted: the cases to use; None for all that can be.

    Raises:
        DatasetError: a case that is wanted lacks a file.
        RegistryError: a case that is wanted was trained on, or there is none left.
    """
    trained = {name: manifest.id for manifest in manifests for name in labelled_cases(manifest.provenance, dataset.name)}
    if wanted is None:
        unseen = tuple(name for name in dataset.cases() if name not in trained and dataset.label_path(name).is_file())
        if not unseen:
            raise RegistryError(
                f"Dataset '{dataset.name}' has no labelled case that neither model was trained on: compare them on other data."
            )
        return unseen
    seen = [name for name in wanted if name in trained]
    if seen:
        raise RegistryError(
            f"Model '{trained[seen[0]]}' was trained on case '{seen[0]}', which would flatter it: compare on cases that "
            "neither model has seen."
        )
    dataset.check_cases(tuple(wanted), labelled=True, where="The list of cases")
    return tuple(wanted)


def check_models(parent: Path, child: Path) -> tuple[Manifest, Manifest]:
    """See that two model folders are intact and can be compared, without torch.

    Raises:
        ModelError: a folder is not intact.
        RegistryError: they are one model, or their structures or channels differ.
    """
    before, after = verify_model(parent).manifest, verify_model(child).manifest
    if model_sha256(parent) == model_sha256(child):
        raise RegistryError(f"Both folders hold model '{before.id}': give the folders of two models.")
    if before.labels.names != after.labels.names:
        raise RegistryError(
            f"Model '{before.id}' segments {', '.join(before.labels.names)}, '{after.id}' {', '.join(after.labels.names)}: "
            "only models of the same structures can be compared."
        )
    if len(before.channel_names) != len(after.channel_names):
        raise RegistryError(
            f"Model '{before.id}' takes {', '.join(before.channel_names)}, '{after.id}' {', '.join(after.channel_names)}: "
            "only models of the same channels can be compared."
        )
    return before, after


def compare_models(
    parent: Path,
    child: Path,
    held_out: CaseSet,
    reference: CaseSet | None = None,
    device: DeviceChoice = "auto",
    rules: GateRules | None = None,
    on_case: OnCase | None = None,
) -> Verdict:
    """Score two models on the same cases and let the gate decide. Imports torch.

    Args:
        parent, child: model folders, verified by `check_models`.
        held_out: cases that neither was trained on; see `held_out_cases`.
        reference: cases of the fixed reference set, if there is one.
        device: where to compute.
        rules: of the gate; the defaults if None.
        on_case: told after every case.

    Raises:
        ModelError: a model's weights cannot be used.
        DatasetError: a dataset's structures or channels are not the models', or a case lacks a file.
        VolumeError: a file of a case cannot be used.
        RegistryError: as `judge`.
    """
    sets = [held_out] if reference is None else [held_out, reference]
    _check_cases(verify_model(parent).manifest, sets)
    total = 2 * sum(len(chosen.cases) for chosen in sets)
    before = _scores(parent, sets, device, _shifted(on_case, 0, total))
    after = _scores(child, sets, device, _shifted(on_case, total // 2, total))
    return judge(before[0], after[0], None if reference is None else (before[1], after[1]), rules)


def _check_cases(manifest: Manifest, sets: Sequence[CaseSet]) -> None:
    """See that every case can be used before hours go into the first."""
    from dualssl.case_files import read_case

    for chosen in sets:
        check_fit(manifest, chosen.dataset, DatasetError, "compare models on data with their structures and channels")
        for name in chosen.cases:
            read_case(chosen.dataset, name, labelled=True)


def _scores(
    folder: Path, sets: Sequence[CaseSet], device: DeviceChoice, on_case: Callable[[int, str], None]
) -> list[ScoredSet]:
    """One model on each of the sets."""
    from dualssl.evaluation.evaluate import evaluate_model
    from dualssl.model.folder import load_model
    from dualssl.prediction.predictor import PredictionSettings, Predictor

    networks, manifest = load_model(folder)
    predictor = Predictor(networks, manifest, PredictionSettings(device=device))
    scored: list[ScoredSet] = []
    for chosen in sets:
        before = sum(len(one.cases) for one in scored)

        def tell(done: int, case: CaseEvaluation, before: int = before) -> None:
            on_case(before + done, f"{manifest.id}, {case.name}: Dice {100 * case.scores['mean'].mean.dice:.2f}")

        evaluation = evaluate_model(predictor, chosen.dataset, chosen.cases, tell)
        scored.append(scores_of({"model": manifest.id, "dataset": chosen.dataset.name, **evaluation.to_json()}))
    return scored


def _shifted(on_case: OnCase | None, before: int, total: int) -> Callable[[int, str], None]:
    def tell(done: int, text: str) -> None:
        if on_case is not None:
            on_case(before + done, total, text)

    return tell
