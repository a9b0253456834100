"""What an error says is for everybody: options of the command line are named only where `command_line` takes them."""

import ast
import re
from pathlib import Path

import pytest

import dualssl
from dualssl.errors import LibraryError

ENGINE = Path(dualssl.__file__).parent
# What no worker runs: the command line itself, and what only it starts.
COMMAND_LINE = ("cli", "report", "demo.py", "learning_loop", "benchmarking", "model/release.py")
COMMAND_LINE += ("evaluation/placement.py", "evaluation/temperature.py")
# A program that is started by another, not by a person.
OWN_OPTIONS = ("worker/__main__.py",)
OPTION = re.compile(r"(?<![\w-])--[a-z]|'dualssl ")

FILES = [
    path
    for path in sorted(ENGINE.rglob("*.py"))
    if not any(path.is_relative_to(ENGINE / part) for part in (*COMMAND_LINE, *OWN_OPTIONS))
]


def options_in(source):
    """Line and text of every string that names an option where it could be read by a person without a command line."""
    tree = ast.parse(source)
    meant = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "command_line"]
    names = {value.id for value in meant if isinstance(value, ast.Name)}
    meant += [node for node in tree.body if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in names]
    documentation = [n for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)]
    read_by_nobody = {below for node in (*meant, *documentation) for below in ast.walk(node) if isinstance(below, ast.Constant)}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [(node.lineno, node.value) for node in texts if node not in read_by_nobody and OPTION.search(node.value)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ENGINE).as_posix())
def test_no_message_names_an_option_of_the_command_line(path):
    assert options_in(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('raise LibraryError("Use --patch 3.")', 1),
        ('raise LibraryError(f"{name}: choose another (--name).")', 1),
        ("raise LibraryError(\"Make one with 'dualssl cases create'.\")", 1),
        ('check(where="--cases")', 1),
        ('def f():\n    """See --name."""', 0),
        ('raise LibraryError("Choose another.", command_line="--name")', 0),
        ('_WAY = "--name"\nraise LibraryError("Choose another.", command_line=_WAY)', 0),
        ('a = "one -- two"', 0),
    ],
)
def test_this_test_sees_what_it_looks_for(source, found):
    assert len(options_in(source)) == found


def test_an_error_without_a_way_at_the_command_line_is_one_sentence():
    error = LibraryError("The library is full: empty it.")
    assert (str(error), error.command_line) == ("The library is full: empty it.", "")
