"""HTML from plain values: every text is escaped here, and nowhere is there a link to anything outside the page."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dualssl.report.pictures import Picture

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #4c555f; --paper: #ffffff; --panel: #f4f6f8; --line: #c9d0d6;
  --mark: #0b5a8a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebee; --soft: #b4bdc6; --paper: #14181c; --panel: #1f252b;
  --line: #46505a; --mark: #7cc4f0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1.25rem 3rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .25rem; overflow-wrap: anywhere; }
p, ul, dl { max-width: 46rem; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem 1.25rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; min-width: min(100%, 34rem); font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem; max-width: 46rem; }
th, td { padding: .3rem .8rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: break-word; }
thead th { background: var(--panel); white-space: nowrap; } th.number, td.number { text-align: right; white-space: nowrap; }
tbody th { font-weight: 600; } td.best { font-weight: 700; color: var(--mark); }
tr.part th, tr.part td { color: var(--soft); font-weight: 400; } tr.part th { padding-left: 2rem; }
figure { margin: 1rem 0; } figure .plate { background: #ffffff; border: 1px solid var(--line); border-radius: 6px;
  padding: .5rem; overflow-x: auto; }
figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; } figure.wide img { min-width: 44rem; width: 100%; }
figcaption { color: var(--soft); max-width: 46rem; margin-top: .4rem; overflow-wrap: anywhere; }
.pair { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
.pair figure { flex: 1 1 18rem; min-width: 0; } .pair figure.broad { flex: 2 1 34rem; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; white-space: pre-wrap;
  overflow-wrap: anywhere; margin: .25rem 0 1rem; }
footer { margin-top: 3rem; color: var(--soft); font-size: .9rem; }
@media print { :root { --ink: #000; --soft: #333; --paper: #fff; --panel: #f2f2f2; --line: #999; --mark: #000; }
  body { max-width: none; padding: 0; font-size: 10pt; } figure, table, pre, .group { break-inside: avoid; }
  h2, h3 { break-after: avoid; } figure.wide img { min-width: 0; } th, td { padding: .2rem .4rem; }
  thead th { white-space: normal; } .pair { flex-wrap: nowrap; } .pair figure { flex: 1 1 0; }
  .pair figure.broad { flex: 2 1 0; }
  .scroll, figure .plate { overflow: visible; } }
"""


@dataclass(frozen=True)
class Cell:
    """A table's cell.

    Attributes:
        text: of it, not escaped.
        number: set to the right.
        best: stands out.
    """

    text: str
    number: bool = False
    best: bool = False


@dataclass(frozen=True)
class Row:
    """A table's row: its heading and cells; a part is set in below the row before it."""

    heading: str
    cells: tuple[Cell, ...]
    part: bool = False


def text(value: str) -> str:
    """Escaped, for elements and attributes; what UTF-8 cannot hold becomes `?`."""
    return escape(value.encode("utf-8", "replace").decode("utf-8"), quote=True)


def paragraph(value: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{text(value)}</p>"


def table(caption: str, columns: Sequence[str], rows: Sequence[Row]) -> str:
    """A table with a caption; `columns` names the row headings' column first."""
    numeric = [all(len(row.cells) > n and row.cells[n].number for row in rows) for n in range(len(columns) - 1)]
    head = f'<th scope="col">{text(columns[0])}</th>' + "".join(
        f'<th scope="col"{_class("number" if number else "")}>{text(name)}</th>'
        for name, number in zip(columns[1:], numeric, strict=True)
    )
    body = "\n".join(_row(row) for row in rows)
    return (
        f'<div class="scroll"><table>\n<caption>{text(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def figure(picture: Picture, kind: str = "") -> str:
    """A picture inside the page, with its caption; `kind` is `wide`, `broad` or nothing."""
    width, height = picture.size
    data = b64encode(picture.png).decode("ascii")
    return (
        f'<figure{_class(kind)}><div class="plate"><img src="data:image/png;base64,{data}" width="{width}" height="{height}" '
        f'alt="{text(picture.alt)}"></div>\n<figcaption>{text(picture.caption)}</figcaption></figure>'
    )


def page(title: str, sections: Sequence[str], footer: str) -> str:
    """The whole document; `sections` are HTML, title and footer are plain text."""
    body = "\n".join(sections)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header><h1>{text(title)}</h1></header>\n"
        f"<main>\n{body}\n</main>\n<footer>{text(footer)}</footer>\n</body>\n</html>\n"
    )


def section(heading: str, parts: Sequence[str]) -> str:
    """A part of the page under a heading in plain text; `parts` are HTML."""
    return f"<section>\n<h2>{text(heading)}</h2>\n" + "\n".join(parts) + "\n</section>"


def _row(row: Row) -> str:
    cells = "".join(
        f"<td{_class(' '.join(filter(None, ('number' if c.number else '', 'best' if c.best else ''))))}>{text(c.text)}</td>"
        for c in row.cells
    )
    return f'<tr{_class("part" if row.part else "")}><th scope="row">{text(row.heading)}</th>{cells}</tr>'


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
