"""Libraries to and from the folders that other programs read: nnU-Net raw datasets, MONAI datalists, plain NRRD."""

from dualssl.cases.exchange.datalist import MonaiDatalist
from dualssl.cases.exchange.folders import Format
from dualssl.cases.exchange.nnunet import NnunetRaw
from dualssl.cases.exchange.nrrd import PlainNrrd
from dualssl.cases.exchange.transfer import ExportReport, ImportReport, export_cases, import_cases

FORMATS: dict[str, Format] = {"nnunet": NnunetRaw(), "monai": MonaiDatalist(), "nrrd": PlainNrrd()}
"""Name, as the command knows it, to format."""

__all__ = ["FORMATS", "ExportReport", "Format", "ImportReport", "export_cases", "import_cases"]
