"""What people read about a model: the model card, the licence note and the rows that front ends show. Free of torch.

Provenance is plain data. Read here, all optional: `created`, `dataset`, `labelled` and `unlabelled` and `validation` (case
names or their number), `preset`, `without`, `weights`, `checkpoint`, `iterations`, `batch`, `seed`, `device`, `hours`,
`validation_curve` (records of `iteration` and scores, oldest first), `metrics` (name to number, instead of the curve),
`authors`, `copyright`, `licence`; and what `dualssl.model.release` adds: `data` (words on the images), `citations` and
`limits` (texts), `released_from` (id of a model), `stored_as`, `evaluation` and `calibration` (see there). Others stay in the
manifest and are not shown.
"""

from __future__ import annotations

from typing import Any

from dualssl.model.manifest import Manifest, Normalisation

NOT_STATED = "not stated"
INTENDED_USE = (
    "Research and teaching. Not a medical device: not for diagnosis or treatment, and every result needs a person's check."
)
_CARD = """# {name}

{rows}

## Structures

| value | name | code | colour |
|---|---|---|---|
{structures}

## Validation

{validation}

## Limits

{use}
Images that differ from the training data (scanner, protocol, patients, field of view) may be segmented wrongly. Low
uncertainty is no proof of a right result: both networks can agree on a mistake.
{limits}
## Licence

{licence}
{citations}"""
_SEGMENTATIONS = {"mean": "mean of both networks", "network_a": "network A", "network_b": "network B"}
_FIGURES = (("dice", "Dice %", 100.0), ("jaccard", "Jaccard %", 100.0), ("hd95", "HD95 mm", 1.0), ("assd", "ASSD mm", 1.0))


def describe(manifest: Manifest) -> dict[str, str]:
    """Heading to text, in the order in which to show them; training facts that nobody recorded are left out."""
    networks, provenance = manifest.networks, manifest.provenance
    spacing, seen = manifest.preprocessing.spacing, manifest.field_of_view
    rows = {
        "Model": manifest.id,
        "Structures": ", ".join(manifest.labels.names),
        "Input": "; ".join(
            f"{name} ({describe_normalisation(normalisation)})"
            for name, normalisation in zip(manifest.channel_names, manifest.preprocessing.normalisation, strict=True)
        ),
        "Spacing": "each image's own" if spacing is None else f"{_product(spacing[::-1])} mm (i x j x k)",
        "Patch": f"{_product(manifest.patch[::-1])} voxels (i x j x k)",
        "Field of view": "" if seen is None else f"at most {_product(seen[::-1])} mm (left-right, front-back, foot-head)",
        "Networks": f"V-Net and ResNet-34 V-Net, width {networks.width}, {networks.norm} normalisation",
        "Largest piece only": ", ".join(
            label.name for label in manifest.labels if label.value in manifest.postprocessing.largest_component
        ),
        "Temperature": "" if manifest.temperature == 1.0 else f"{manifest.temperature:.4g}",
        "Fine-tuned from": manifest.parent or "",
        "Released from": _text(provenance, "released_from"),
        "Stored as": _text(provenance, "stored_as"),
        "Dataset": _text(provenance, "dataset"),
        "Data": _text(provenance, "data"),
        "Labelled cases": _count(provenance, "labelled"),
        "Unlabelled cases": _count(provenance, "unlabelled"),
        "Preset": _text(provenance, "preset")
        + (f" without {_text(provenance, 'without')}" if provenance.get("without") else ""),
        "Weights": _text(provenance, "weights"),
        "Checkpoint": _text(provenance, "checkpoint"),
        "Iterations": _text(provenance, "iterations"),
        "Batch": _text(provenance, "batch"),
        "Seed": _text(provenance, "seed"),
        "Trained": _text(provenance, "created"),
        "Device": _text(provenance, "device"),
        "Hours": _text(provenance, "hours"),
        "Validation": ", ".join(f"{name} {value:.4g}" for name, value in validation_figures(manifest).items()),
    }
    return {heading: text for heading, text in rows.items() if text}


def describe_normalisation(normalisation: Normalisation) -> str:
    """How intensities are normalised, in words."""
    if normalisation.kind == "zscore":
        return "mean 0, standard deviation 1 over the image"
    unit = "HU window" if normalisation.kind == "window" else "percentiles"
    return f"{unit} {normalisation.low:g} to {normalisation.high:g} to 0..1, clipped"


def validation_figures(manifest: Manifest) -> dict[str, float]:
    """Scores of the exported weights on the validation cases: `metrics`, else the last record of `validation_curve`."""
    figures: Any = manifest.provenance.get("metrics")
    if not figures:
        curve = manifest.provenance.get("validation_curve") or [{}]
        figures = curve[-1]
    return {
        str(name): float(value)
        for name, value in figures.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and name != "iteration"
    }


def model_card(manifest: Manifest) -> str:
    """Content of `docs/README.md`."""
    rows = {heading: text for heading, text in describe(manifest).items() if heading != "Validation"}
    citations = "".join(f"* {text}\n" for text in _texts(manifest.provenance, "citations"))
    limits = "".join(f"\n* {text}" for text in _texts(manifest.provenance, "limits"))
    return _CARD.format(
        name=manifest.name,
        rows="\n".join(f"* **{heading}**: {text}" for heading, text in rows.items()),
        structures="\n".join(
            f"| {label.value} | {_cell(label.name)} | {label.code.scheme} {label.code.value} ({_cell(label.code.meaning)}) "
            f"| #{bytes(label.color).hex()} |"
            for label in manifest.labels
        ),
        validation=_validation(manifest),
        use=INTENDED_USE,
        limits=f"{limits}\n" if limits else "",
        licence=licence_note(manifest),
        citations=f"\n## Citation\n\n{citations}" if citations else "",
    )


def _validation(manifest: Manifest) -> str:
    """How good the model was on cases that it was not trained on."""
    evaluation = manifest.provenance.get("evaluation")
    if isinstance(evaluation, dict):
        parts = [_evaluation(manifest, evaluation)]
    else:
        figures = validation_figures(manifest)
        if not figures:
            return "No figures were recorded: how good the model is, is not known."
        cases = _count(manifest.provenance, "validation")
        parts = [f"Cases that were not trained on: {cases}."] if cases else []
        parts.append("\n".join(f"* {name}: {value:.4g}" for name, value in figures.items()))
    calibration = manifest.provenance.get("calibration")
    if isinstance(calibration, dict):
        parts.append(_calibration(calibration))
    return "\n\n".join(parts)


def _evaluation(manifest: Manifest, evaluation: dict[str, Any]) -> str:
    """The table of an evaluation, as `dualssl.model.release` records it."""
    pieces = [label.name for label in manifest.labels if label.value in manifest.postprocessing.largest_component]
    dataset = evaluation.get("dataset") or "a dataset without a name"
    sentences = [
        f"{evaluation.get('cases', '?')} cases of {dataset} that were not trained on, on the images' own grids. Every "
        "case counts; one in which nothing was found counts with the worst value.",
        f"Of {', '.join(pieces)} only the largest piece was kept." if pieces else "No piece was removed.",
        f"Measured on model {evaluation['model']}, from which this one was released." if evaluation.get("model") else "",
    ]
    table = [f"| | {' | '.join(title for _, title, _ in _FIGURES)} |", "|---|" + "---|" * len(_FIGURES)]
    for key, name in _SEGMENTATIONS.items():
        scores = evaluation.get(key)
        if isinstance(scores, dict):
            cells = [f"{scale * scores[figure]:.2f}" if figure in scores else "" for figure, _, scale in _FIGURES]
            table.append(f"| {name} | {' | '.join(cells)} |")
    names = (
        ("error_rate", "share of wrong voxels"),
        ("entropy_auroc", "AUROC of entropy for them"),
        ("ece", "calibration error"),
    )
    known = [f"{name} {evaluation[key]:.3f}" for key, name in names if isinstance(evaluation.get(key), (int, float))]
    around = f"In the segmentation and 5 voxels around it: {', '.join(known)}." if known else ""
    return "\n\n".join(part for part in (" ".join(s for s in sentences if s), "\n".join(table), around) if part)


def _calibration(calibration: dict[str, Any]) -> str:
    before, after = calibration.get("ece_before"), calibration.get("ece_after")
    known = isinstance(before, (int, float)) and isinstance(after, (int, float)) and calibration.get("kept")
    errors = f" Expected calibration error {before:.4f} before, {after:.4f} after." if known else ""
    return f"{calibration.get('verdict') or ''}{errors}".strip()


def licence_note(manifest: Manifest) -> str:
    """Content of `LICENSE`: which licence the weights are under, as far as it was stated."""
    licence = _text(manifest.provenance, "licence")
    if not licence:
        return "No licence was stated for these weights: ask who made them before you pass them on."
    return f"These weights are under the licence: {licence}. The data they were trained on may set further terms."


def _text(provenance: dict[str, Any], key: str) -> str:
    value = provenance.get(key)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(v) for v in value)
    return "" if value is None else str(value)


def _texts(provenance: dict[str, Any], key: str) -> list[str]:
    """The texts in a list; one text alone counts as a list of one."""
    value = provenance.get(key)
    return [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)] if value else []


def _count(provenance: dict[str, Any], key: str) -> str:
    value = provenance.get(key)
    if isinstance(value, (list, tuple)):
        return str(len(value)) if value else ""
    return "" if value is None else str(value)


def _product(values: tuple[float, ...]) -> str:
    return " x ".join(f"{v:.4g}" for v in values)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
