"""Measure the web front end with a real server and a real browser: `make bench-web`. Nothing else should run meanwhile.

What it measures is in Testing/benchmarks/web_speed. Five hundred rounds and four hours idle take an afternoon and are run by
hand: `--rounds 500 --idle-minutes 240`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
for folder in ("Testing/benchmarks", "Testing/harness"):
    sys.path.insert(0, str(ROOT / folder))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the record."""
    options = _parser().parse_args(arguments)
    from module_speed.engine import describe_machine
    from web_speed.suite import Wish, measure

    about = {
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": {**describe_machine(sys.executable), "cores_allowed": _cores_allowed()},
    }
    with tempfile.TemporaryDirectory(prefix="dualssl-bench-") as folder:
        wish = Wish(Path(folder), options.starts, options.clicks, options.rounds, options.idle_minutes)
        figures = measure(wish, _say, lambda record: _write(options.output, {**about, **record}))
    for figure in figures:
        _say(f"{figure.name}: {figure.value:.4g} {figure.unit}, {figure.target}: {'met' if figure.met else 'NOT met'}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "web.json", help="where the record goes")
    parser.add_argument("--starts", type=int, default=3, help="how often a server is started for the first page")
    parser.add_argument("--clicks", type=int, default=50, help="how often Next is clicked")
    parser.add_argument("--rounds", type=int, default=20, help="of segmenting, painting and undoing")
    parser.add_argument("--idle-minutes", type=float, default=0.0, help="how long the page is left alone after the rounds")
    return parser


def _cores_allowed() -> int | None:
    """Of which the server, the engine and the browser may use; only Linux tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _write(path: Path, record: dict[str, Any]) -> None:
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
