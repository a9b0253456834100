"""Metrics and review data stay light."""

import subprocess
import sys


def test_metrics_and_review_import_neither_torch_nor_monai_nor_simpleitk():
    code = (
        "import sys, dualssl.metrics, dualssl.review\n"
        "heavy = {'torch', 'monai', 'SimpleITK'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
