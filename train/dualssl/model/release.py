"""A model made ready to ship: weights in float16, a temperature, and a card that says what there is to know of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from dualssl.errors import ModelError
from dualssl.files import json_text
from dualssl.model.folder import load_model, new_model_id, save_model
from dualssl.model.manifest import Manifest
from dualssl.model.provenance import labelled_cases
from dualssl.plain_data import finite_number

SEGMENTATIONS = ("mean", "network_a", "network_b")
FIGURES = ("dice", "jaccard", "hd95", "assd")

_EVALUATION = "use the file that 'dualssl evaluate MODEL DATASET --output FILE' wrote for this model"
_CALIBRATION = "use the file that 'dualssl models calibrate MODEL DATASET --output FILE' wrote for this model"


@dataclass(frozen=True)
class ReleaseNotes:
    """What only people can say of a model; what is empty stays as the model has it.

    Attributes:
        name: for people.
        data: what it was trained on, in words: which images of whom, from where, under which terms.
        authors, copyright, licence: of the weights.
        citations: publications to name who uses it.
        limits: what it is known not to do well.
    """

    name: str = ""
    data: str = ""
    authors: str = ""
    copyright: str = ""
    licence: str = ""
    citations: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()

    def stated(self) -> dict[str, Any]:
        """The entries of a provenance that these notes give; the name is none of them."""
        words = {"data": self.data, "authors": self.authors, "copyright": self.copyright, "licence": self.licence}
        lists = {"citations": list(self.citations), "limits": list(self.limits)}
        return {key: value for key, value in {**words, **lists}.items() if value}


def release_model(
    source: Path,
    folder: Path,
    notes: ReleaseNotes,
    now: datetime,
    evaluation: Mapping[str, Any] | None = None,
    calibration: Mapping[str, Any] | None = None,
) -> Manifest:
    """Write a model folder to ship, from one that training left; the source stays as it is.

    Parameters are rounded to float16, which changes predictions by less than a person sees. The released model has an id of its
    own, made of its weights and of all that its manifest says.

    Args:
        source: model folder.
        folder: where the released one goes; must not exist.
        notes: for its card.
        now: for its id.
        evaluation: what `dualssl evaluate` wrote for the source: the figures of the card.
        calibration: what `dualssl models calibrate` wrote for the source: the temperature.

    Returns:
        The manifest of the released model.

    Raises:
        ModelError: the source is not intact, `evaluation` or `calibration` is garbled or of another model, or figures are of
            cases that the model was trained on.
        OutputError: `folder` exists or cannot be written.
    """
    networks, manifest = load_model(source)
    facts: dict[str, Any] = {**manifest.provenance, **notes.stated(), "released_from": manifest.id, "stored_as": "float16"}
    temperature = manifest.temperature
    if evaluation is not None:
        figures = evaluated(evaluation, manifest)
        facts |= {"evaluation": figures, "metrics": _short(figures)}
    if calibration is not None:
        temperature = calibrated(calibration, manifest)
        facts["calibration"] = {key: calibration.get(key) for key in ("kept", "verdict", "ece_before", "ece_after")}
    released = replace(manifest, name=notes.name or manifest.name, provenance=facts, temperature=temperature)
    new_id = new_model_id(released.name, now, networks, json_text(replace(released, id="").to_json()))
    released = replace(released, id=new_id)
    save_model(folder, released, networks, "float16")
    return released


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ModelError: the file cannot be read or holds none.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as JSON: give the file that was written for the model.") from error
    if not isinstance(data, dict):
        raise ModelError(f"{path} holds no JSON object: give the file that was written for the model.")
    return data


def evaluated(evaluation: Mapping[str, Any], manifest: Manifest) -> dict[str, Any]:
    """The figures of an evaluation that a card shows.

    Returns:
        `model`, `dataset`, number of `cases`, `FIGURES` of each of `SEGMENTATIONS`, and, as far as known, `ece`, `error_rate`
        and `entropy_auroc`.

    Raises:
        ModelError: it is of another model or of cases that the model was trained on, or lacks a figure.
    """
    _check_model(evaluation, manifest, "evaluation", _EVALUATION)
    try:
        dataset = str(evaluation["dataset"])
        names = [str(case["case"]) for case in evaluation["cases"]]
        scores = {key: {figure: finite_number(evaluation[key][figure]) for figure in FIGURES} for key in SEGMENTATIONS}
        uncertainty = evaluation.get("uncertainty") or {}
        known = {
            "ece": (uncertainty.get("calibration") or {}).get("ece"),
            "error_rate": uncertainty.get("error_rate"),
            "entropy_auroc": ((uncertainty.get("maps") or {}).get("entropy") or {}).get("auroc"),
        }
        more = {key: finite_number(value) for key, value in known.items() if value is not None}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"The evaluation lacks or garbles a figure ({error}): {_EVALUATION}.") from error
    trained = sorted(set(names) & set(labelled_cases(manifest.provenance, dataset)))
    if trained:
        raise ModelError(
            f"The evaluation counts case '{trained[0]}', which the model was trained on: evaluate it on other cases."
        )
    return {"model": manifest.id, "dataset": dataset, "cases": len(names), **scores, **more}


def calibrated(calibration: Mapping[str, Any], manifest: Manifest) -> float:
    """The temperature that a calibration gives.

    Raises:
        ModelError: it is of another model, or no temperature.
    """
    _check_model(calibration, manifest, "calibration", _CALIBRATION)
    try:
        temperature = finite_number(calibration["temperature"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"The calibration lacks or garbles a figure ({error}): {_CALIBRATION}.") from error
    if temperature <= 0:
        raise ModelError(f"The calibration gives the temperature {temperature:g}, which is not above 0: {_CALIBRATION}.")
    return temperature


def _check_model(data: Mapping[str, Any], manifest: Manifest, what: str, remedy: str) -> None:
    if data.get("model") != manifest.id:
        raise ModelError(f"The {what} is of model '{data.get('model')}', not of '{manifest.id}': {remedy}.")


def _short(figures: Mapping[str, Any]) -> dict[str, float]:
    """One number a name, as front ends list them."""
    return {figure: figures["mean"][figure] for figure in FIGURES}
