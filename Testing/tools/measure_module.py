"""Measure how fast the Slicer module is, in the harness: `make bench-module`. What it measures is in Testing/benchmarks."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
for folder in ("Testing/benchmarks", "Testing/harness", "DualSSLSegmentation"):
    sys.path.insert(0, str(ROOT / folder))

REAL_CASES = ROOT.parent / "shared" / "data" / "la2018"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the record."""
    options = _parser().parse_args(arguments)
    if options.open_once is not None:
        from module_speed.opening import tell_once

        tell_once(options.open_once)
        return 0
    from module_speed.engine import describe_machine
    from module_speed.suite import Wish, measure

    with tempfile.TemporaryDirectory(prefix="dualssl-bench-") as folder:
        wish = Wish(
            home=Path(folder) / "home",
            opening=(sys.executable, str(Path(__file__).resolve()), "--open-once"),
            model=options.model,
            case=options.case or _first_real_case(),
            repeats=options.repeats,
            journeys=options.journeys,
        )
        about = {
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "machine": describe_machine(sys.executable),
        }
        measure(wish, _say, lambda record: _write(options.output, {**about, **record}))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "module.json", help="where the record goes")
    parser.add_argument("--model", type=Path, help="folder of a trained model for a real case; without one only the phantom")
    parser.add_argument("--case", type=Path, help="a volume for --model; by default one beside the checkout, if there is one")
    parser.add_argument("--repeats", type=int, default=20, help="of what takes milliseconds")
    parser.add_argument("--journeys", type=int, default=3, help="how often the whole way is gone")
    parser.add_argument("--open-once", type=Path, help=argparse.SUPPRESS)
    return parser


def _first_real_case() -> Path | None:
    found = sorted((REAL_CASES / "images").glob("*.nrrd"))
    return found[0] if found else None


def _write(path: Path, record: dict[str, Any]) -> None:
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
