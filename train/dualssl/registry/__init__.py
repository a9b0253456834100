"""Versions of a model: the gate that compares a new one with its parent, and the registry that keeps them all.

* `gate.judge` decides from the scores of parent and child on the same cases;
* `compare` gets those scores, from models or from the files of `dualssl evaluate`;
* `folds` says which cases to hold out from training;
* `versions.ModelRegistry` keeps the versions, one of them active.

Nothing here imports torch; only `compare.compare_models` needs it, when it is called.
"""

from dualssl.registry.state import VersionRecord
from dualssl.registry.versions import ModelRegistry

__all__ = ["ModelRegistry", "VersionRecord"]
