"""The worklist stays light: its list is there before a person has noticed."""

import subprocess
import sys


def test_the_worklist_imports_numpy_and_nothing_heavier():
    code = (
        "import sys, dualssl.worklist, dualssl.cli.worklist\n"
        "heavy = {'torch', 'monai', 'SimpleITK', 'scipy'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
