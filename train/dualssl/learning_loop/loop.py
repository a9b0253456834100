"""The loop itself: correct, fine-tune, score, again; every step is skipped where its result is there already.

A folder of results:

    plan.json            what was asked for
    results.jsonl        one record for each model, see `records`
    base/                the pool as the first model predicts it, and that model's scores
    ORDER/library/       a case library; gets the reader's corrections
    ORDER/reviews/       what the reader did with each case
    ORDER/round_NN/      the cases chosen for it, its fine-tuning in run/, scores, seconds, and scratch/
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dualssl.cases.library import CaseLibrary
from dualssl.errors import TrainingError
from dualssl.files import make_folder, write_json
from dualssl.finetune.request import FineTuneRequest
from dualssl.finetune.run import FineTuneRun, Parent
from dualssl.learning_loop.choice import chosen_cases, predict_again
from dualssl.learning_loop.correction import correct_case
from dualssl.learning_loop.libraries import copy_library, make_base_library, predict_base_library
from dualssl.learning_loop.predictors import Predictors
from dualssl.learning_loop.progress import LoopProgress, OnLoopProgress
from dualssl.learning_loop.records import Record, Results, Stopwatch, read_object
from dualssl.learning_loop.reviews import FOLDER
from dualssl.learning_loop.rounds import TRAINING, BothScores, Round, frozen_record, round_record
from dualssl.learning_loop.scores import score_model
from dualssl.learning_loop.scratch import CombinedDataset, recipe_of, train_scratch
from dualssl.locks import exclusive
from dualssl.model.fit import check_fit
from dualssl.model.folder import load_model
from dualssl.model.integrity import model_sha256

if TYPE_CHECKING:
    from dualssl.dataset import Dataset
    from dualssl.devices import DeviceChoice
    from dualssl.learning_loop.plan import LoopPlan, Order
    from dualssl.learning_loop.scores import ModelScores
    from dualssl.training.progress import OnProgress

PLAN = "plan.json"
RESULTS = "results.jsonl"
_BASE = "base"
_LOCK = ".lock"


class LearningLoop:
    """One learning loop in one folder; goes on with what is there.

    Args:
        plan: what is asked.
        dataset: with the cases of all lists and their true labels.
        model: folder of the model that `plan` names.
        output: folder of the results.
        device: where to compute.
        on_progress: told what goes on; an exception it raises ends the loop, which can go on later.
        on_record: told each new record, when it is on the disk.
    """

    def __init__(
        self,
        plan: LoopPlan,
        dataset: Dataset,
        model: Path,
        output: Path,
        device: DeviceChoice = "auto",
        on_progress: OnLoopProgress | None = None,
        on_record: Callable[[Record], None] | None = None,
    ) -> None:
        self._plan = plan
        self._dataset = dataset
        self._model = model
        self._output = output
        self._device: DeviceChoice = device
        self._tell: OnLoopProgress = on_progress or (lambda _: None)
        self._on_record = on_record
        self._results = Results(output / RESULTS)
        self._predictors = Predictors(device)
        networks, manifest = load_model(model)
        self._parent = Parent(networks, manifest)

    def run(self) -> tuple[Record, ...]:
        """Go through all orders and rounds.

        Returns:
            All records.

        Raises:
            DualSSLError: what is wrong, and what to do.
        """
        self._check()
        taken = TrainingError(f"Another learning loop is going on in {self._output}: wait until it has ended, or stop it.")
        with exclusive(self._output / _LOCK, taken):
            self._store_plan()
            frozen = self._score_frozen()
            library = self._base_library()
            for order in self._plan.all_orders():
                self._follow(order, library, frozen)
        return self._results.records()

    def _check(self) -> None:
        """See before the first step what would hinder one of the last, and make the folder."""
        plan = self._plan
        for option, cases in (("--pool", plan.pool), ("--validation", plan.validation), ("--old", plan.old)):
            self._dataset.check_cases(cases, labelled=True, where=option)
        self._check_model()
        make_folder(self._output)
        names = [path.name for path in self._output.iterdir()]
        if PLAN not in names and any(not name.startswith(".") for name in names):
            raise TrainingError(f"{self._output} is not empty and holds no learning loop: name a new folder.")

    def _check_model(self) -> None:
        manifest = self._parent.manifest
        if self._plan.scratch_iterations:
            recipe_of(manifest)
        # By name: the case library that is made from the dataset takes the model's channels.
        remedy = f"use the dataset that belongs to model '{manifest.id}'"
        check_fit(manifest, self._dataset, TrainingError, remedy, channels_by_name=True)

    def _store_plan(self) -> None:
        path = self._output / PLAN
        if not path.is_file():
            write_json(path, self._plan.to_json())
            return
        changed = self._plan.differences(read_object(path))
        if changed:
            raise TrainingError(
                f"The learning loop in {self._output} was started with other settings ({', '.join(changed)}): repeat them as "
                "they were, or start a new one in another folder."
            )

    def _score_frozen(self) -> Record:
        found = self._results.find("frozen", None, 0)
        if found is None:
            found = frozen_record(self._scores(self._model, self._output / _BASE, "The first model"))
            self._add(found)
        return found

    def _base_library(self) -> Path:
        folder = self._output / _BASE / "library"

        def show(what: str) -> Callable[[str, int, int], None]:
            return lambda _, done, total: self._tell(LoopProgress(what, done, total))

        make_base_library(folder, self._dataset, self._plan.pool, self._parent.manifest, show("Adding the pool to a library"))
        predict_base_library(folder, self._model, self._predictors, show("Predicting the pool"))
        return folder

    def _follow(self, order: Order, base: Path, frozen: Record) -> None:
        folder = self._output / order.name
        copy_library(base, folder / "library")
        make_folder(folder / FOLDER)
        names: tuple[str, ...] = ()
        seen = self._model
        with CaseLibrary.open(folder / "library") as library:
            for count in self._plan.rounds:
                place = folder / f"round_{count:02d}"
                make_folder(place)
                names += self._choose(library, order, count - len(names), place, seen)
                this = Round(order, names, place, seen)
                seen = self._round(library, this, frozen)
                if self._plan.scratch_iterations:
                    self._scratch(library, this, frozen)

    def _choose(self, library: CaseLibrary, order: Order, count: int, place: Path, seen: Path) -> tuple[str, ...]:
        path = place / "cases.json"
        if self._plan.repredict and seen != self._model and not path.is_file():
            stage = f"{order.name}: predicting the cases that are left"
            with Stopwatch(place / "seconds.json").running("prediction"):
                predict_again(library, seen, self._predictors, lambda done, total: self._tell(LoopProgress(stage, done, total)))
        return chosen_cases(library, order, count, path)

    def _round(self, library: CaseLibrary, this: Round, frozen: Record) -> Path:
        """Correct, fine-tune and score; returns the folder of the new model."""
        model = this.folder / "run" / "model"
        if self._results.find("finetune", this.order.name, len(this.names)) is not None:
            return model
        watch = Stopwatch(this.folder / "seconds.json")
        with watch.running("correction"):
            self._correct(library, this)
        if not model.is_dir():
            with watch.running(TRAINING):
                self._fine_tune(library, this)
        with watch.running("scores"):
            scores = self._scores(model, this.folder, this.title)
        self._add(round_record("finetune", this, model, scores, frozen, watch))
        return model

    def _correct(self, library: CaseLibrary, this: Round) -> None:
        sha256 = model_sha256(this.seen)
        left = [name for name in this.names if library.case(name).labels is None]
        for number, name in enumerate(left):
            self._tell(LoopProgress(f"{this.title}: correcting", number, len(left)))
            predictor = self._predictors(this.seen)
            correct_case(library, name, predictor, sha256, self._dataset, self._plan.reader, this.review(name))

    def _fine_tune(self, library: CaseLibrary, this: Round) -> None:
        folder = this.folder / "run"
        self._tell(LoopProgress(f"{this.title}: fine-tuning"))
        request = FineTuneRequest(
            self._model,
            library.as_dataset(),
            cases=this.names,
            replay=self._dataset,
            replay_cases=self._plan.old,
            settings=self._plan.settings,
        )
        plan = request.resolve(self._parent.manifest)
        cases = request.files(plan, self._parent.manifest)
        told = self._training(f"{this.title}: fine-tuning")
        run = FineTuneRun(self._parent, plan, cases, folder, self._device, told)
        run.execute(resume=_begun(folder))

    def _scratch(self, library: CaseLibrary, this: Round, frozen: Record) -> None:
        """Train from scratch on the cases of a round, and score."""
        if self._results.find("scratch", this.order.name, len(this.names)) is not None:
            return
        stage = f"{this.title}: training from scratch"
        self._tell(LoopProgress(stage))
        folder = this.folder / "scratch"
        make_folder(folder)
        watch = Stopwatch(folder / "seconds.json")
        run = folder / "run"
        model = run / "model"
        if not model.is_dir():
            cases = CombinedDataset.of(self._dataset, library.as_dataset(), self._plan.old)
            _begun(run)
            with watch.running(TRAINING):
                train_scratch(self._parent.manifest, self._plan, cases, this.names, run, self._device, self._training(stage))
        with watch.running("scores"):
            scores = self._scores(model, folder, f"{this.title}, from scratch")
        self._add(round_record("scratch", this, model, scores, frozen, watch))

    def _scores(self, model: Path, folder: Path, title: str) -> BothScores:
        """Of the validation and of the old cases."""
        make_folder(folder)

        def scored(cases: tuple[str, ...], name: str) -> ModelScores:
            stage = f"{title}: scoring the {name} cases"
            return score_model(
                model,
                self._predictors,
                self._dataset,
                cases,
                folder / f"{name}.json",
                lambda done, total: self._tell(LoopProgress(stage, done, total)),
            )

        return BothScores(scored(self._plan.validation, "validation"), scored(self._plan.old, "old"))

    def _add(self, record: Record) -> None:
        self._results.add(record)
        if self._on_record is not None:
            self._on_record(record)

    def _training(self, stage: str) -> OnProgress:
        return lambda progress: self._tell(LoopProgress(stage, progress.iteration, progress.iterations, progress))


def _begun(folder: Path) -> bool:
    """Whether a training began in the folder. What one left that was killed before it began is taken away."""
    if (folder / "run.json").is_file():
        return True
    shutil.rmtree(folder, ignore_errors=True)
    return False
