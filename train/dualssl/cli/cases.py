"""`dualssl cases`: make, fill, look at, check and exchange case libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualssl.case_files import MARKS
from dualssl.cases import CaseLibrary, CaseRecord, CaseState
from dualssl.cli.console import progress_bar, say
from dualssl.cli.worklist import rank
from dualssl.errors import LibraryError
from dualssl.files import json_text
from dualssl.volumes.names import channel_files, volume_name

if TYPE_CHECKING:
    from dualssl.labels import LabelTable

Library = Annotated[Path, typer.Argument(help="Folder of the case library.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for other programs.")]

app = typer.Typer(help="Look after libraries of cases: images, predictions and corrections.", no_args_is_help=True)


_HEADINGS: tuple[str, ...] = ("case", "state", "group", "labels", "reviewer", "model")


class ExchangeFormat(str, Enum):
    """Formats of exchange."""

    nnunet = "nnunet"
    monai = "monai"
    nrrd = "nrrd"


@app.callback()
def _cases() -> None:
    """Look after libraries of cases: images, predictions and corrections."""


@app.command()
def create(
    library: Annotated[Path, typer.Argument(help="Folder for the library, new or empty.", show_default=False)],
    like: Annotated[Path, typer.Option(help="Dataset (with dataset.json) or model whose labels and channels it takes.")],
) -> None:
    """Make an empty library."""
    labels, channels = _labels_and_channels(like)
    with CaseLibrary.create(library, labels, channels) as made:
        say(f"{library}: a library for {', '.join(made.labels.names)} on {', '.join(made.channel_names)}")


@app.command()
def add(
    library: Library,
    volumes: Annotated[
        list[Path],
        typer.Argument(metavar="VOLUME...", help="NRRD, NIfTI, MetaImage, or folders of DICOM slices.", show_default=False),
    ],
    labels: Annotated[Path | None, typer.Option(help="Label map of the volume, if there is one already.")] = None,
    name: Annotated[str, typer.Option(help="Name of the case (otherwise that of the file or folder).")] = "",
    group: Annotated[str, typer.Option(help="What cases of one patient share, such as a pseudonym (otherwise the name).")] = "",
    reviewer: Annotated[str, typer.Option(help="Who answers for --labels.")] = "",
    series: Annotated[str, typer.Option(help="UID of the DICOM series, for folders that hold several.")] = "",
    keep_identifiers: Annotated[
        bool,
        typer.Option("--keep-identifiers", help="Also store where a volume came from, and the patient and UIDs of DICOM."),
    ] = False,
) -> None:
    """Add volumes as cases that wait for a prediction.

    Of a volume its voxels and geometry are stored, nothing else of its header, and not where it lay. The name of its file or
    folder becomes the case's name: give another with --name if that says who the patient is.
    """
    if len(volumes) > 1 and (name or labels):
        raise LibraryError("--name and --labels are for one volume: add the volumes one by one.")
    if labels is not None and not reviewer.strip():
        raise LibraryError("--labels needs --reviewer NAME: say who answers for them.")
    with CaseLibrary.open(library) as opened:
        opened.require_writable()
        for case, path in _named(opened, volumes, name):
            _add(opened, case, path, labels, group or None, reviewer, series or None, keep_identifiers)


@app.command("list")
def list_(
    library: Library,
    state: Annotated[CaseState | None, typer.Option(help="Only cases in this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the cases, their states and their newest labels."""
    with CaseLibrary.open(library) as opened:
        cases = opened.cases(state)
    if as_json:
        typer.echo(json_text([case.to_json() for case in cases]), nl=False)
        return
    rows = [_HEADINGS, *(_row(case) for case in cases)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    # Past the console, which takes seconds for a table of ten thousand cases.
    typer.echo(
        "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    )
    say(f"{len(cases)} case(s)")


@app.command()
def show(
    library: Library,
    name: Annotated[str, typer.Argument(help="Name of the case.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Show a case: its predictions, its label versions and where they come from."""
    with CaseLibrary.open(library) as opened:
        case, files = opened.case(name), opened.files(name)
        predictions, versions = opened.predictions(name), opened.label_versions(name)
        geometry = opened.geometry(name)
    if as_json:
        data = case.to_json() | {
            "predictions": [record.to_json() for record in predictions],
            "label_versions": [version.to_json() for version in versions],
            "files": [file.to_json() for file in files],
        }
        typer.echo(json_text(data), nl=False)
        return
    say(f"{case.name}: {case.state.value}, group {case.group}, added {case.added:%Y-%m-%d %H:%M} UTC")
    say(f"  {geometry.describe()}, {len(files)} files, {sum(file.size for file in files) / 1e6:.1f} MB")
    origin = {"source": case.source} if case.source else {}
    for key, value in {**origin, **case.metadata}.items():
        say(f"  {key}: {value}")
    for record in predictions:
        scores = ", ".join(f"{key} {value:.4g}" for key, value in record.scores.items())
        model = record.provenance.model_id or "unknown model"
        say(f"  prediction {record.number}: {record.created:%Y-%m-%d %H:%M} UTC, {model}{', ' + scores if scores else ''}")
    for version in versions:
        basis = "" if version.based_on is None else f", from prediction {version.based_on}"
        changed = "" if version.voxels_changed_total is None else f", {version.voxels_changed_total} voxels changed"
        notes = f": {version.notes}" if version.notes else ""
        say(f"  labels {version.number}: {version.created:%Y-%m-%d %H:%M} UTC, {version.reviewer}{basis}{changed}{notes}")


@app.command()
def correct(
    library: Library,
    name: Annotated[str, typer.Argument(help="Name of the case.", show_default=False)],
    labels: Annotated[Path, typer.Argument(help="Corrected label map or Slicer segmentation.", show_default=False)],
    reviewer: Annotated[str, typer.Option(help="Who answers for the labels.")],
    edits: Annotated[
        Path | None,
        typer.Option(
            help="1 where a person edited, 255 where nobody looked, 254 outside of a segmented box. "
            "[default: what differs from the prediction]"
        ),
    ] = None,
    notes: Annotated[str, typer.Option(help="Whatever is worth remembering.")] = "",
) -> None:
    """Store corrected labels of a case, as a new version: those that are there stay."""
    from dualssl.volumes.read import read_label_map
    from dualssl.volumes.volume import Volume

    with CaseLibrary.open(library) as opened:
        grid = opened.geometry(name)
        label_map = read_label_map(labels, range(opened.labels.channels), grid)
        mask = None if edits is None else read_label_map(edits, MARKS, grid)
        if mask is None and opened.predictions(name):
            changed = label_map.array != opened.read_prediction(name).labels.array
            mask = Volume(changed.astype("uint8"), grid)
        version = opened.save_correction(name, label_map, reviewer=reviewer, edit_mask=mask, notes=notes)
    changed_text = "" if version.voxels_changed_total is None else f", {version.voxels_changed_total} voxels changed"
    say(f"{name}: labels {version.number}{changed_text}")


@app.command()
def state(
    library: Library,
    name: Annotated[str, typer.Argument(help="Name of the case.", show_default=False)],
    new: Annotated[CaseState, typer.Argument(metavar="STATE", help="Its new state.", show_default=False)],
) -> None:
    """Take a case into review ("in review"), out of use ("excluded"), or back to where its data put it."""
    with CaseLibrary.open(library) as opened:
        case = opened.set_state(name, new)
    say(f"{case.name}: {case.state.value}")


@app.command()
def remove(library: Library, name: Annotated[str, typer.Argument(help="Name of the case.", show_default=False)]) -> None:
    """Take a case out of the library; its files go to the library's folder trash/."""
    with CaseLibrary.open(library) as opened:
        trash = opened.remove_case(name)
    say(f"{name} was removed" + (f"; its files are in {trash}" if trash else "; its files were gone already"))


@app.command()
def export(
    library: Library,
    form: Annotated[ExchangeFormat, typer.Option("--format", help="Of what other programs read.")],
    output: Annotated[Path, typer.Option(help="Folder for the export, new or empty.")],
    state: Annotated[CaseState | None, typer.Option(help="Only cases in this state (otherwise all but excluded).")] = None,
) -> None:
    """Write cases with their newest labels for other programs; neither metadata nor groups go with them."""
    from dualssl.cases.exchange import FORMATS, export_cases

    with CaseLibrary.open(library) as opened, _progress("exporting") as show_count:
        report = export_cases(opened, FORMATS[form.value], output, state, show_count)
    say(f"{len(report.labelled)} case(s) with labels and {len(report.unlabelled)} without in {output}")


@app.command("import")
def import_(
    library: Library,
    folder: Annotated[Path, typer.Argument(help="Folder of that format (monai: or its JSON file).", show_default=False)],
    form: Annotated[ExchangeFormat, typer.Option("--format", help="Of the folder.")],
    reviewer: Annotated[str, typer.Option(help="Who answers for the labels.")] = "import",
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave out cases that are in the library already.")
    ] = False,
) -> None:
    """Add the cases of an nnU-Net raw dataset, a MONAI datalist or a dataset of this program, with their labels."""
    from dualssl.cases.exchange import FORMATS, import_cases

    with CaseLibrary.open(library) as opened, _progress("importing") as show_count:
        report = import_cases(opened, FORMATS[form.value], folder, reviewer, skip_existing, show_count)
    say(f"{len(report.added)} case(s) added, {len(report.labelled)} got labels, {len(report.skipped)} were there already")


@app.command()
def check(
    library: Library,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what can be mended; nothing of anybody's work is deleted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare index, notes and checksums; exit status 1 if something is wrong that was not repaired."""
    from dualssl.cases.check import check_library

    with _progress("checking") as show_count:
        report = check_library(library, repair, show_count)
    if as_json:
        problems = [problem.to_json() for problem in report.problems]
        typer.echo(json_text({"cases": report.cases, "files": report.files, "problems": problems}), nl=False)
    else:
        for problem in report.problems:
            say(f"{'repaired' if problem.repaired else problem.kind.value}: {problem.message}")
        say(f"{report.cases} case(s), {report.files} files: {len(report.problems)} problem(s), {len(report.remaining)} left")
    if report.remaining:
        raise typer.Exit(1)


app.command()(rank)


def _labels_and_channels(like: Path) -> tuple[LabelTable, tuple[str, ...]]:
    """Those of a dataset, nnU-Net's or this program's, or of a model."""
    from dualssl.cases.exchange.folders import DESCRIPTION, channel_names, label_table, read_description
    from dualssl.model.integrity import read_manifest

    path = like / DESCRIPTION
    if path.is_file():
        data = read_description(path)
        return label_table(data.get("labels"), path), channel_names(data, path)
    if not like.is_dir():
        raise LibraryError(f"--like {like}: there is no such folder; name a dataset with {DESCRIPTION}, or a model.")
    manifest = read_manifest(like)
    return manifest.labels, manifest.channel_names


def _named(library: CaseLibrary, volumes: list[Path], name: str) -> list[tuple[str, Path]]:
    """Each volume with its case's name; what names and files alone can tell is seen before the first is added."""
    from dualssl.cases.names import check_case_name, name_key

    taken = {name_key(case.name): case.name for case in library.cases()}
    named = []
    for path in volumes:
        case = name or volume_name(path)
        check_case_name(case)
        if name_key(case) in taken:
            raise LibraryError(
                f"{path} would be case '{case}', but there is a case '{taken[name_key(case)]}' already: give it another name "
                "(--name); nothing has been added."
            )
        taken[name_key(case)] = case
        for file in channel_files(path, len(library.channel_names)):
            if not file.exists():
                raise LibraryError(f"{file} does not exist: check the name and the folder; nothing has been added.")
        named.append((case, path))
    return named


def _add(
    library: CaseLibrary,
    case: str,
    path: Path,
    labels: Path | None,
    group: str | None,
    reviewer: str,
    series: str | None,
    keep_identifiers: bool,
) -> None:
    from dualssl.case_files import read_images
    from dualssl.cases.identifiers import dicom_identifiers
    from dualssl.volumes.read import read_label_map

    images = read_images(channel_files(path, len(library.channel_names)), series)
    # Read before the case is added: a bad label map leaves no case without labels behind.
    label_map = None if labels is None else read_label_map(labels, range(library.labels.channels), images[0].geometry)
    source = str(path.resolve()) if keep_identifiers else None
    library.add_case(
        case, images, group=group, source=source, metadata=dicom_identifiers(path, series) if keep_identifiers else None
    )
    if label_map is not None:
        library.save_correction(case, label_map, reviewer=reviewer)
    say(f"{case}: added{' with labels' if label_map is not None else ''}")


def _row(case: CaseRecord) -> tuple[str, ...]:
    labels, prediction = case.labels, case.prediction
    return (
        case.name,
        case.state.value,
        case.group,
        "" if labels is None else str(labels.number),
        "" if labels is None else labels.reviewer,
        "" if prediction is None else prediction.provenance.model_id or "",
    )


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, and the function that moves it."""
    with progress_bar() as bar:
        task = bar.add_task(what, total=None, figures="")
        yield lambda done, total: bar.update(task, completed=done, total=total)
