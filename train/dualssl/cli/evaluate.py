"""`dualssl evaluate`: a model against the labels of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualssl.cli.choices import DeviceName
from dualssl.cli.console import progress_bar, say, show_table
from dualssl.cli.outputs import ready_file
from dualssl.dataset import read_case_list, read_dataset
from dualssl.model.folder import load_model, verify_model

if TYPE_CHECKING:
    from dualssl.evaluation.case import CaseEvaluation
    from dualssl.evaluation.evaluate import Evaluation


def evaluate(
    model: Annotated[Path, typer.Argument(help="Model folder.", show_default=False)],
    dataset: Annotated[Path, typer.Argument(help="Folder with images/, labels/ and dataset.json.", show_default=False)],
    output: Annotated[Path, typer.Option(help="JSON file for the figures.")],
    cases: Annotated[str, typer.Option(help="Cases: a file with one name a line, or a,b,c. [default: all]")] = "",
    device: Annotated[DeviceName, typer.Option(help="Where to compute.")] = DeviceName.auto,
) -> None:
    """Score a model: Dice, Jaccard, HD95, ASSD, surface Dice, and how well its uncertainty finds its errors."""
    data = read_dataset(dataset)
    names = read_case_list(cases, "--cases") if cases else data.cases()
    data.check_cases(names, labelled=True, where="--cases" if cases else str(dataset))
    # All that can be known without torch, which takes seconds to import, is asked before.
    verify_model(model)
    ready_file(output)

    from dualssl.evaluation.evaluate import evaluate_model
    from dualssl.files import write_json
    from dualssl.prediction.predictor import PredictionSettings, Predictor

    networks, manifest = load_model(model, verify=False)
    predictor = Predictor(networks, manifest, PredictionSettings(device=device.value))
    with progress_bar() as bar:
        task = bar.add_task("evaluating", total=len(names), figures="")

        def show(done: int, case: CaseEvaluation) -> None:
            bar.update(task, completed=done, figures=f"{case.name}: Dice {100 * case.scores['mean'].mean.dice:.2f}")

        evaluation = evaluate_model(predictor, data, names, show)
    write_json(output, {"model": manifest.id, "dataset": data.name, **evaluation.to_json()})
    show_evaluation(manifest.name, evaluation)
    show_uncertainty(evaluation)
    say(f"Figures: {output}")


def show_evaluation(title: str, evaluation: Evaluation) -> None:
    """The means as a table."""
    rows = []
    for key, name in (("mean", "mean of both"), ("network_a", "network A"), ("network_b", "network B")):
        s = evaluation.mean(key)
        rows.append(
            [
                name,
                f"{100 * s.dice:.2f}",
                f"{100 * s.jaccard:.2f}",
                f"{s.hd95:.2f}",
                f"{s.assd:.2f}",
                f"{100 * s.surface_dice:.2f}",
            ]
        )
    columns = ("", "Dice %", "Jaccard %", "HD95 mm", "ASSD mm", "surface Dice %")
    show_table(f"{title}: {len(evaluation.cases)} cases", columns, rows)


def show_uncertainty(evaluation: Evaluation) -> None:
    """How well each map finds the errors, as a table; and whether confidence and case scores can be believed."""
    found = evaluation.uncertainty()
    rows = []
    for measure, figures in found["maps"].items():
        keys = ("auroc", "auprc", "errors_in_top_5_percent", "best_in_top_5_percent", "share_of_best_in_top_5_percent")
        rows.append([measure, *("-" if figures[key] is None else f"{100 * figures[key]:.1f}" for key in keys)])
    columns = ("", "AUROC %", "AUPRC %", "errors in top 5 %", "at most", "share of that %")
    show_table(f"Finding errors in the {found['band']}", columns, rows)
    known = {"wrong voxels there": found["error_rate"], "calibration error": found["calibration"]["ece"]}
    say(", ".join(f"{name} {100 * value:.1f} %" for name, value in known.items() if value is not None))
    ranks = ", ".join(f"{name} {value:+.2f}" for name, value in found["spearman_with_dice"].items() if value is not None)
    if ranks:
        say(f"Rank of case scores with Dice: {ranks}")
