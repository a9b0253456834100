"""`library` and `worklist`: what a case library holds, and which case to look at next."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dualssl.cases import CaseLibrary, CaseRecord, CaseState
from dualssl.cases.records import time_text
from dualssl.worker.requests import Params
from dualssl.worker.task import Task
from dualssl.worklist import STRATEGIES, waiting_candidates


def library(task: Task, params: Params) -> dict[str, Any]:  # noqa: ARG001 - as every job
    """What the library `folder` holds.

    Returns:
        `folder`, `labels` (a LabelTable), `channels`, `read_only`; `counts`: cases by state, every state named; `cases`, in
        order of name: `name`, `group`, `state`, `changed`, `model_id`, `scores`, `label_version`, `reviewer`.
    """
    folder = params.path("folder")
    params.end()
    with CaseLibrary.open(folder) as opened:
        cases = opened.cases()
        counts = Counter(case.state for case in cases)
        return {
            "folder": str(folder),
            "labels": opened.labels.to_json(),
            "channels": list(opened.channel_names),
            "read_only": opened.read_only,
            "counts": {state.value: counts[state] for state in CaseState},
            "cases": [_case(case) for case in cases],
        }


def worklist(task: Task, params: Params) -> dict[str, Any]:  # noqa: ARG001 - as every job
    """The predicted cases of `library` that nobody has looked at, the most urgent first: `strategy`, `count`.

    Returns:
        `cases`: `name`, `position`, `value`, `why`, `group`; `candidates`: how many were ranked; `without_scores`: names of
        those that cannot be; `without_prediction`: how many still wait for a prediction.
    """
    folder = params.path("library")
    strategy, count = params.choice("strategy", tuple(STRATEGIES), next(iter(STRATEGIES))), params.whole("count", 20)
    params.end()
    with CaseLibrary.open(folder) as opened:
        found = waiting_candidates(opened.cases())
    return found.to_json(found.ranked(strategy)[: max(0, count)])


def _case(case: CaseRecord) -> dict[str, Any]:
    prediction, labels = case.prediction, case.labels
    return {
        "name": case.name,
        "group": case.group,
        "state": case.state.value,
        "changed": time_text(case.changed),
        "model_id": None if prediction is None else prediction.provenance.model_id,
        "scores": {} if prediction is None else dict(prediction.scores),
        "label_version": None if labels is None else labels.number,
        "reviewer": None if labels is None else labels.reviewer,
    }
