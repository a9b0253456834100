"""The case library: images, predictions and corrections in a folder that survives crashes. Needs no torch."""

from dualssl.cases.library import CaseLibrary
from dualssl.cases.records import CaseRecord, LabelVersion, PredictionFiles, PredictionRecord, Provenance, StoredFile
from dualssl.cases.states import CaseState

__all__ = [
    "CaseLibrary",
    "CaseRecord",
    "CaseState",
    "LabelVersion",
    "PredictionFiles",
    "PredictionRecord",
    "Provenance",
    "StoredFile",
]
