"""The errors a person can do something about.

Each message is one sentence that says what is wrong (naming the file, case or setting) and what to do. The command line
prints it without a traceback; front ends show it as it is. So it names no options or commands of the command line.
"""


class DualSSLError(Exception):
    """Base of every error that a person can mend. The message stands on its own.

    Args:
        message: the sentence.
        command_line: the option or command that is meant, for a person at the command line; nobody else is shown it.
    """

    def __init__(self, message: str = "", *, command_line: str = "") -> None:
        super().__init__(message)
        self.command_line = command_line


class VolumeError(DualSSLError):
    """A file is missing, cannot be read as a volume, or its voxels cannot be used."""


class DatasetError(DualSSLError):
    """A dataset folder, its `dataset.json` or a list of cases is not as it should be."""


class ModelError(DualSSLError):
    """A model folder is missing, incomplete, altered, or made for something else."""


class TrainingError(DualSSLError):
    """Training cannot start or cannot go on: options that do not fit, or too little memory or disk."""


class TrainingCancelledError(TrainingError):
    """Training was stopped by whoever started it; what was learned is in its last checkpoint."""


class PredictionError(DualSSLError):
    """Prediction cannot start or cannot go on: no such device, a region outside the image, or too little memory."""


class OutputError(DualSSLError):
    """A result cannot be written: no space, no permission, or it would overwrite what must stay."""


class RegistryError(DualSSLError):
    """A registry of models is missing, damaged or in use, or a version cannot be compared, added, activated or removed."""


class LibraryError(DualSSLError):
    """A case library is missing, damaged, of a newer version, or a case, label map or file of it is not as it should be."""
