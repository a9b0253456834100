"""`dualssl models`: look after model folders, and after the versions in a registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualssl.cli.choices import DeviceName
from dualssl.cli.console import progress_bar, say, show_table
from dualssl.cli.outputs import ready_file
from dualssl.cli.placement import placement
from dualssl.cli.release import calibrate, release
from dualssl.dataset import Dataset, read_case_list, read_dataset

if TYPE_CHECKING:
    from dualssl.model.integrity import ModelInfo
    from dualssl.registry.state import VersionRecord
    from dualssl.registry.verdict import PairedDifference, StructureComparison, Verdict

app = typer.Typer(help="Look after model folders.", no_args_is_help=True)
app.command()(calibrate)
app.command()(release)
app.command()(placement)

RegistryFolder = Annotated[Path, typer.Argument(metavar="REGISTRY", help="Folder of the registry.", show_default=False)]
VersionId = Annotated[str, typer.Argument(metavar="ID", help="Of the version, as `list` shows it.", show_default=False)]


@app.callback()
def _models() -> None:
    """Look after model folders, and after the versions in a registry."""


@app.command()
def verify(
    model: Annotated[Path, typer.Argument(help="Model folder, or registry.", show_default=False)],
    version: Annotated[
        str, typer.Argument(metavar="[ID]", help="Version in the registry; all without it.", show_default=False)
    ] = "",
) -> None:
    """Compare every file of a model with its SHA-256 and show what the model is."""
    from dualssl.model.integrity import verify_model
    from dualssl.registry.versions import ModelRegistry, is_registry

    if not version and not is_registry(model):
        _show_intact(verify_model(model))
        return
    registry = ModelRegistry.open(model)
    chosen = [version] if version else [record.id for record in registry.list()]
    for one in chosen:
        _show_intact(registry.verify(one))
    if not chosen:
        _say_empty(model)


def _show_intact(info: ModelInfo) -> None:
    manifest = info.manifest
    say(f"{manifest.id}: intact, {len(info.files)} files, {info.size / 1e6:.1f} MB")
    say(f"  structures: {', '.join(manifest.labels.names)}")
    say(f"  parent: {manifest.parent or 'none'}")


def _say_empty(registry: Path) -> None:
    say(f"{registry} is empty: add a model with 'dualssl models add'.")


@app.command("list")
def list_versions(registry: RegistryFolder) -> None:
    """Show the versions, the oldest first; a star marks the active one."""
    from dualssl.registry.versions import ModelRegistry

    records = ModelRegistry.open(registry).list()
    if not records:
        _say_empty(registry)
    width = max((len(record.id) for record in records), default=0)
    for record in records:
        star = "*" if record.active else " "
        say(f"{star} {record.number:>3}  {record.id:<{width}}  {record.state:<12}  {record.created[:10]}  {record.name}")


@app.command()
def show(registry: RegistryFolder, version: VersionId) -> None:
    """Show a version: its lineage, the cases it was trained on, its verdict and its SHA-256."""
    from dualssl.registry.verdict import Verdict
    from dualssl.registry.versions import ModelRegistry

    opened = ModelRegistry.open(registry)
    record = opened.get(version)
    say(f"{record.id}: {_state(record)}, version {record.number}, {record.name}")
    say(f"  added: {record.created}")
    say(f"  model: {opened.model_folder(version)}")
    say(f"  lineage: {' < '.join(ancestor.id for ancestor in opened.lineage(version))}")
    say(f"  trained on: {', '.join(_case(*case) for case in record.cases.items()) or 'not stated'}")
    say(f"  SHA-256 of the manifest: {record.manifest_sha256}")
    say(f"  SHA-256 of the checksums: {record.checksums_sha256}")
    if record.verdict is None:
        say("  not compared with a parent")
    else:
        show_verdict(Verdict.from_json(record.verdict))


def _state(record: VersionRecord) -> str:
    return f"active ({record.standing})" if record.active else record.state


def _case(name: str, label_version: int | None) -> str:
    return name if label_version is None else f"{name} (label version {label_version})"


@app.command()
def add(
    registry: RegistryFolder,
    model: Annotated[Path, typer.Argument(help="Model folder; it is copied.", show_default=False)],
    verdict: Annotated[
        Path | None, typer.Option(help="File that `compare --output` wrote, about this model.", show_default=False)
    ] = None,
    parent: Annotated[str, typer.Option(help="Version it comes from; the one that its manifest names without it.")] = "",
    without_parent: Annotated[
        bool, typer.Option("--without-parent", help="Add it although the parent that it names cannot be had.")
    ] = False,
    create: Annotated[bool, typer.Option("--create", help="Make the registry if there is none.")] = False,
) -> None:
    """Add a copy of a model to a registry: proposed if its verdict is better, never active at once."""
    from dualssl.errors import RegistryError
    from dualssl.model.integrity import verify_model
    from dualssl.registry.verdict import read_verdict
    from dualssl.registry.versions import ModelRegistry, is_registry

    if parent and without_parent:
        raise RegistryError("--parent and --without-parent contradict each other: give one of them.")
    read = read_verdict(verdict) if verdict else None
    # Before a registry is made for a model that cannot be added.
    verify_model(model)
    making = create and not is_registry(registry)
    opened = ModelRegistry.create(registry) if making else ModelRegistry.open(registry)
    record = opened.register(model, read, parent=parent or None, without_parent=without_parent)
    say(f"{record.id}: {record.state}, version {record.number}")


@app.command()
def activate(
    registry: RegistryFolder,
    version: VersionId,
    force: Annotated[bool, typer.Option("--force", help="Also if the version is not proposed.")] = False,
) -> None:
    """Make a version the one in use."""
    from dualssl.registry.versions import ModelRegistry

    opened = ModelRegistry.open(registry)
    before = opened.active()
    record = opened.activate(version, force=force)
    say(f"{record.id}: active")
    if before is not None and before.id not in (record.id, record.parent):
        say(f"  Note: it was not compared with {before.id}, which was active until now.")


@app.command()
def rollback(registry: RegistryFolder) -> None:
    """Make the version active again that was so before the present one."""
    from dualssl.registry.versions import ModelRegistry

    record = ModelRegistry.open(registry).rollback()
    say(f"{record.id}: active")


@app.command()
def remove(registry: RegistryFolder, version: VersionId) -> None:
    """Move a version to the registry's trash; nothing is deleted."""
    from dualssl.registry.versions import ModelRegistry

    place = ModelRegistry.open(registry).remove(version)
    say(f"{version}: removed, kept in {place}")


@app.command()
def compare(
    parent: Annotated[Path, typer.Argument(metavar="MODEL_A", help="Model folder of the parent.", show_default=False)],
    child: Annotated[Path, typer.Argument(metavar="MODEL_B", help="Model folder of the new version.", show_default=False)],
    dataset: Annotated[Path, typer.Argument(help="Folder with images/, labels/ and dataset.json.", show_default=False)],
    cases: Annotated[
        str, typer.Option(help="Held-out cases: a file with one name a line, or a,b,c; all not trained on without it.")
    ] = "",
    reference: Annotated[
        Path | None, typer.Option(help="Dataset with the fixed reference cases, all of which are used.", show_default=False)
    ] = None,
    output: Annotated[Path | None, typer.Option(help="JSON file for the verdict.", show_default=False)] = None,
    device: Annotated[DeviceName, typer.Option(help="Where to compute.")] = DeviceName.auto,
) -> None:
    """Score a model and its parent on the same unseen cases and say whether it is better."""
    from dualssl.files import write_json
    from dualssl.registry.compare import CaseSet, check_models, compare_models, held_out_cases

    data = read_dataset(dataset)
    asked = read_case_list(cases, "--cases") if cases else None
    held_out = CaseSet(data, held_out_cases(data, check_models(parent, child), asked))
    fixed = CaseSet(*_all_cases(read_dataset(reference))) if reference else None
    if output is not None:
        ready_file(output)
    with progress_bar() as bar:
        task = bar.add_task("comparing", total=None, figures="")

        def tell(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, figures=text)

        verdict = compare_models(parent, child, held_out, fixed, device.value, on_case=tell)
    if output is not None:
        write_json(output, verdict.to_json())
    show_verdict(verdict)
    if output is not None:
        say(f"Verdict: {output}")


def _all_cases(dataset: Dataset) -> tuple[Dataset, tuple[str, ...]]:
    dataset.check_cases(dataset.cases(), labelled=True, where=str(dataset.folder))
    return dataset, dataset.cases()


def show_verdict(verdict: Verdict) -> None:
    """The figures of both models with their differences, what each rule said, and the decision."""
    columns = ("", "A %", "B %", "change", "interval", "p", "HD95 change")
    for title, compared in (("held-out", verdict.held_out), ("reference", verdict.reference)):
        if compared is not None:
            rows = [_figures(structure) for structure in (*compared.structures, compared.mean)]
            show_table(f"{compared.dataset or 'No dataset named'}, {len(compared.cases)} {title} cases: Dice", columns, rows)
    say(f"A is {verdict.parent or 'the parent'}, B is {verdict.child or 'the new version'}.")
    for rule in verdict.rules:
        say(f"  {rule.name}: {rule.outcome}; {rule.detail}")
    say(verdict.reason)


def _figures(structure: StructureComparison) -> list[str]:
    dice, hd95 = structure.dice, structure.hd95
    return [
        structure.name,
        f"{100 * dice.parent:.2f}",
        f"{100 * dice.child:.2f}",
        f"{100 * dice.difference:+.2f}",
        _interval(dice),
        f"{dice.p:.3f}",
        f"{hd95.difference:+.2f} mm",
    ]


def _interval(dice: PairedDifference) -> str:
    if dice.low is None or dice.high is None:
        return "too few"
    return f"{100 * dice.low:+.2f}..{100 * dice.high:+.2f}"
