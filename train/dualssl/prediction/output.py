"""Leave a prediction on disk: segmentation, maps of uncertainty, and a JSON file that says the rest."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.files import output_error, write_json
from dualssl.review import find_regions, score_case
from dualssl.version import __version__
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_segmentation, write_volume

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dualssl.geometry import Geometry
    from dualssl.model.manifest import Manifest
    from dualssl.prediction.results import Prediction

FORMAT_VERSION = 1


def write_prediction(prediction: Prediction, name: str, folder: Path, manifest: Manifest) -> dict[str, Any]:
    """Write NAME.seg.nrrd, NAME.entropy.nrrd, NAME.kl.nrrd and, last, NAME.json.

    Each file appears whole or not at all. NAME.json of an earlier prediction goes first and the new one comes last: where it
    is, the files beside it are complete and belong to it.

    Args:
        prediction: on the grid of the input.
        name: of the case, a file name without suffix.
        folder: created if it is not there.
        manifest: of the model that predicted.

    Returns:
        What NAME.json holds: format_version, name, files, and all that `describe` gives.

    Raises:
        OutputError: no space, no permission.
    """
    files = {"segmentation": f"{name}.seg.nrrd", "entropy": f"{name}.entropy.nrrd", "kl": f"{name}.kl.nrrd"}
    path = folder / f"{name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(folder, error) from error
    write_segmentation(Volume(prediction.label, prediction.geometry), manifest.labels, folder / files["segmentation"])
    write_volume(Volume(prediction.entropy, prediction.geometry), folder / files["entropy"])
    write_volume(Volume(prediction.kl, prediction.geometry), folder / files["kl"])
    summary = {"format_version": FORMAT_VERSION, "name": name, "files": files, **describe(prediction, manifest)}
    write_json(path, summary)
    return summary


def describe(prediction: Prediction, manifest: Manifest) -> dict[str, Any]:
    """What there is to say of a prediction, as plain data.

    Returns:
        model, program, geometry, region_of_interest, normalised_over (`image` or `roi`), device, seconds, windows, volumes_ml
        (for each structure from the mean and from each network), case_scores and regions (see `dualssl.review`; positions in
        RAS, mm).
    """
    p = prediction
    roi = p.region
    return {
        "model": {"id": manifest.id, "name": manifest.name},
        "program": {"name": "dualssl", "version": __version__},
        "geometry": _geometry(p.geometry),
        "region_of_interest": None if roi is None else {"start_kji": list(roi.start), "shape_kji": list(roi.shape)},
        "normalised_over": p.normalised_over,
        "device": p.device,
        "seconds": asdict(p.seconds),
        "windows": {"count": p.windows, "shape_kji": list(p.window)},
        "volumes_ml": {
            label.name: {
                "mean": _volume_ml(p.label, label.value, p.geometry),
                "a": _volume_ml(p.label_a, label.value, p.geometry),
                "b": _volume_ml(p.label_b, label.value, p.geometry),
            }
            for label in manifest.labels
        },
        "case_scores": score_case(p.entropy, p.kl, p.label, p.label_a, p.label_b).to_json(),
        "regions": [region.to_json() for region in find_regions(p.entropy, p.kl, p.label, p.geometry)],
    }


def _geometry(geometry: Geometry) -> dict[str, Any]:
    return {
        "shape_kji": list(geometry.shape),
        "spacing_kji_mm": list(geometry.spacing),
        "ijk_to_ras": geometry.ijk_to_ras.tolist(),
    }


def _volume_ml(labels: NDArray[np.uint8], value: int, geometry: Geometry) -> float:
    return int(np.count_nonzero(labels == value)) * geometry.voxel_ml
