"""Pictures and an HTML page of what was trained, how good it is, and where it is unsure.

Figures need matplotlib, which is an extra (`pip install 'dualssl[report]'`); the package imports without it, and drawing
raises an OutputError that says so. Nothing here imports torch.
"""

from dualssl.report.contents import Command, ReportCase, ReportRun
from dualssl.report.page import write_report
from dualssl.report.pictures import save_pictures

__all__ = ["Command", "ReportCase", "ReportRun", "save_pictures", "write_report"]
