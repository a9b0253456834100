"""Which cases of the library are corrected next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dualssl.cases.states import CaseState
from dualssl.errors import LibraryError
from dualssl.files import write_json
from dualssl.learning_loop.records import damaged, read_object
from dualssl.library_prediction import store_prediction
from dualssl.model.integrity import model_sha256
from dualssl.worklist import waiting_candidates

if TYPE_CHECKING:
    from dualssl.cases.library import CaseLibrary
    from dualssl.learning_loop.plan import Order
    from dualssl.prediction.predictor import Predictor


def chosen_cases(library: CaseLibrary, order: Order, count: int, path: Path) -> tuple[str, ...]:
    """The next cases in this order; once chosen they stay chosen, whatever is predicted or corrected later.

    Args:
        library: its predicted cases are ranked.
        order: by which.
        count: of cases.
        path: file that keeps the choice.

    Raises:
        LibraryError: fewer cases than that can be ranked.
        TrainingError: the file is damaged.
    """
    if path.is_file():
        try:
            return tuple(map(str, read_object(path)["cases"]))
        except (KeyError, TypeError) as error:
            raise damaged(path) from error
    found = waiting_candidates(library.cases())
    if len(found.candidates) < count:
        raise LibraryError(
            f"The library {library.folder} has {len(found.candidates)} case(s) left to rank, {count} are to be corrected: "
            "start a new learning loop, and leave its libraries alone."
        )
    # A random order is one of chance alone: no choice of unlike cases may improve on it.
    ranked = found.ranked(order.strategy, order.seed, diverse=not order.random)
    names = tuple(place.name for place in ranked[:count])
    write_json(path, {"cases": list(names)})
    return names


def predict_again(
    library: CaseLibrary, model: Path, predictor: Callable[[Path], Predictor], on_case: Callable[[int, int], None]
) -> None:
    """Let a model predict the cases that were not corrected, but for those that it has predicted already.

    Args:
        library: its predicted cases get one more prediction.
        model: folder of the model.
        predictor: gives its predictor; not called where nothing is left to do.
        on_case: told the number of cases done and of all, before each.

    Raises:
        DualSSLError: a case cannot be predicted, or nothing can be written.
    """
    sha256 = model_sha256(model)
    names = [
        case.name
        for case in library.cases(CaseState.predicted)
        if case.prediction is None or case.prediction.provenance.model_sha256 != sha256
    ]
    for number, name in enumerate(names):
        on_case(number, len(names))
        warm = predictor(model)
        images = library.read_images(name)
        store_prediction(library, name, images, warm.predict(images), warm.manifest.id, sha256)
