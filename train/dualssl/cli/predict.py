"""`dualssl predict`: volumes in, segmentations and uncertainty maps out; or the cases of a library, kept in it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from dualssl.case_files import read_images
from dualssl.cli.choices import DeviceName
from dualssl.cli.console import progress_bar, say, show_advice, show_table, time_text
from dualssl.cli.outputs import ready_folder
from dualssl.errors import OutputError, PredictionError, VolumeError
from dualssl.model.fit import size_advice
from dualssl.model.folder import load_model, verify_model
from dualssl.model.integrity import model_sha256
from dualssl.volumes.names import channel_files, volume_name

RESULTS = (".seg.nrrd", ".entropy.nrrd", ".kl.nrrd", ".json")


class RoiStatistics(str, Enum):
    """Which voxels intensities are normalised by when --roi is given."""

    auto = "auto"
    image = "image"
    roi = "roi"


def predict(
    model: Annotated[Path, typer.Argument(help="Model folder.", show_default=False)],
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="INPUT", help="Volumes: NRRD, NIfTI, MetaImage, or folders of DICOM slices.", show_default=False
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Folder for the results.", show_default=False)] = None,
    library: Annotated[
        Path | None,
        typer.Option(help="Instead of INPUT and --output: predict the waiting cases of this library.", show_default=False),
    ] = None,
    all_cases: Annotated[
        bool, typer.Option("--all", help="With --library: predict again what has a prediction; excluded cases stay out.")
    ] = False,
    device: Annotated[DeviceName, typer.Option(help="Where to compute.")] = DeviceName.auto,
    roi: Annotated[str, typer.Option(help="Only this box, RAS mm: r0,r1,a0,a1,s0,s1.")] = "",
    roi_statistics: Annotated[
        RoiStatistics,
        typer.Option(
            help="Intensity statistics from the whole image, or from --roi. Auto: from --roi if the image is larger than all "
            "that the model learned from."
        ),
    ] = RoiStatistics.auto,
    series: Annotated[str, typer.Option(help="UID of the DICOM series, for folders that hold several.")] = "",
    overlap: Annotated[float, typer.Option(help="Share by which neighbouring windows overlap.", min=0.0, max=0.9)] = 0.25,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that are already there.")] = False,
) -> None:
    """Segment volumes: NAME.seg.nrrd, NAME.entropy.nrrd, NAME.kl.nrrd and NAME.json for each. Or the cases of a library."""
    if library is not None:
        _refuse_with_library({"INPUT": inputs, "--output": output, "--roi": roi, "--series": series, "--overwrite": overwrite})
        _predict_library(model, library, all_cases, device, overlap)
        return
    if all_cases:
        raise PredictionError(
            "--all tells which cases of a library to predict: name the library with --library, or leave it out."
        )
    if not inputs or output is None:
        raise PredictionError("There is nothing to predict: give volumes and --output FOLDER, or --library LIBRARY.")
    names = _names(inputs)
    if not overwrite:
        _refuse_existing(names, output)
    bounds = _bounds(roi) if roi else None
    # All that can be known without torch, which takes seconds to import, is asked before.
    channels = len(verify_model(model).manifest.channel_names)
    cases = [channel_files(path, channels) for path in inputs]
    for file in (file for files in cases for file in files):
        if not file.exists():
            raise VolumeError(f"{file} does not exist: check the name and the folder; nothing has been predicted.")

    from dualssl.prediction.output import write_prediction
    from dualssl.prediction.predictor import PredictionSettings, Predictor
    from dualssl.prediction.roi import RegionOfInterest

    networks, manifest = load_model(model, verify=False)
    settings = PredictionSettings(device=device.value, overlap=overlap, roi_statistics=roi_statistics.value)
    predictor = Predictor(networks, manifest, settings)
    ready_folder(output)
    rows = []
    with progress_bar() as bar:
        task = bar.add_task("segmenting", total=len(inputs), figures="")
        for done, (name, files) in enumerate(zip(names, cases, strict=True)):
            bar.update(task, completed=done, description=name)
            volumes = read_images(files, series or None)
            box = RegionOfInterest.from_ras_bounds(volumes[0].geometry, bounds) if bounds else None
            windows = bar.add_task("  windows", total=None, figures="")

            def show(count: int, total: int, windows: object = windows) -> bool:
                bar.update(windows, completed=count, total=total)  # type: ignore[arg-type]
                return True

            try:
                prediction = predictor.predict(volumes, box, progress=show)
            except (VolumeError, PredictionError) as error:
                # What is wrong is said without a name: the predictor sees volumes, not files.
                raise type(error)(f"{files[0]}: {error}") from error
            bar.remove_task(windows)
            region = prediction.region
            seen = prediction.geometry if region is None else prediction.geometry.cropped(region.start, region.shape)
            advice = size_advice(manifest.field_of_view, seen, "image" if region is None else "region")
            if advice:
                show_advice(f"{name}: {advice}", "--roi")
            summary = write_prediction(prediction, name, output, manifest)
            bar.update(task, completed=done + 1)
            ml = ", ".join(f"{key} {value['mean']:.1f}" for key, value in summary["volumes_ml"].items())
            rows.append([name, ml, str(len(summary["regions"])), time_text(prediction.seconds.networks)])
    show_table(f"{manifest.name} on {predictor.describe_device()}", ("volume", "ml", "regions to review", "time"), rows)
    say(f"Results: {output}")


def _predict_library(model: Path, folder: Path, all_cases: bool, device: DeviceName, overlap: float) -> None:
    # None of these needs torch, which takes seconds to import.
    from dualssl.cases import CaseLibrary
    from dualssl.library_prediction import ALL, WAITING, CaseProgress, check_model_fits, predict_library

    manifest = verify_model(model).manifest
    states = ALL if all_cases else WAITING
    with CaseLibrary.open(folder) as library:
        check_model_fits(library, manifest)
        if not any(case.state in states for case in library.cases()):
            say(f"No case of {folder} {'can' if all_cases else 'waits to'} be predicted.")
            return

        from dualssl.prediction.predictor import PredictionSettings, Predictor

        networks, manifest = load_model(model, verify=False)
        predictor = Predictor(networks, manifest, PredictionSettings(device=device.value, overlap=overlap))
        rows: list[list[str]] = []
        with progress_bar() as bar:
            task = bar.add_task("segmenting", total=None, figures="")
            windows = bar.add_task("  windows", total=None, figures="")

            def show(progress: CaseProgress) -> None:
                bar.update(task, completed=progress.done, total=progress.total, description=progress.name)
                count, total = progress.windows or (0, None)
                bar.update(windows, completed=count, total=total)
                if progress.scores is not None:
                    scores = progress.scores
                    rows.append([progress.name, f"{scores.entropy:.3f}", f"{scores.kl:.3f}", f"{scores.network_dice:.3f}"])

            report = predict_library(library, predictor, model_sha256(model), states, show)
    columns = ("case", "entropy", "KL", "Dice between networks")
    show_table(f"{manifest.name} on {predictor.describe_device()}", columns, rows)
    say(f"Kept in the library: {folder}")
    if report.left_out:
        say(f"Left out, for another program predicts or changed them: {', '.join(report.left_out)}")
    if report.failed:
        for name, error in report.failed:
            say(f"{name} was not predicted: {error}")
        names = ", ".join(f"'{name}'" for name, _ in report.failed)
        raise PredictionError(
            f"{len(report.failed)} of {len(report.failed) + len(report.predicted)} cases could not be predicted ({names}), the "
            "reasons are given above: mend or exclude them, and run the command again."
        )


def _refuse_with_library(given: Mapping[str, object]) -> None:
    """See that no option was given that has no meaning for the cases of a library."""
    for option, value in given.items():
        if value:
            raise PredictionError(
                f"{option} cannot be used with --library, whose cases are predicted whole and keep their results: leave one of "
                "them out."
            )


def _names(inputs: list[Path]) -> list[str]:
    names = [volume_name(path) for path in inputs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise OutputError(f"Two inputs would both be written as '{twice[0]}': predict them into different --output folders.")
    return names


def _refuse_existing(names: list[str], output: Path) -> None:
    for file in (output / f"{name}{ending}" for name in names for ending in RESULTS):
        if file.exists():
            raise OutputError(f"{file} exists and may hold somebody's edits: name another --output, or add --overwrite.")


def _bounds(text: str) -> tuple[float, float, float, float, float, float]:
    try:
        r0, r1, a0, a1, s0, s1 = (float(part) for part in text.split(","))
    except ValueError:
        raise PredictionError(f"--roi {text}: give six numbers r0,r1,a0,a1,s0,s1 in mm, RAS.") from None
    if not (r0 < r1 and a0 < a1 and s0 < s1 and isfinite(sum((r0, r1, a0, a1, s0, s1)))):
        raise PredictionError(f"--roi {text}: give three pairs of finite numbers r0,r1,a0,a1,s0,s1, the smaller one first.")
    return r0, r1, a0, a1, s0, s1
