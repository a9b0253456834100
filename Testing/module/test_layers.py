"""Which folder of the module's library may know which: arrows point one way."""

import ast
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "DualSSLSegmentation" / "DualSSLSegmentationLib"
NAME = "DualSSLSegmentationLib"

SMALL_TOOLS = {"callbacks", "rendering", "steps", "texts", "enginePath"}
# What each part may import beside itself and the small tools. Panels and application stand on top and know each other.
ALLOWED = {
    "scene": set(),
    "display": {"scene"},
    "review": {"scene", "display"},
    "jobs": {"scene", "review"},
    "setup": {"compat"},
    "compat": {"setup"},
    "workspace": {"scene", "display", "review", "jobs"},
    "presentation": {"scene", "display", "review", "jobs", "workspace"},
    "application": {"scene", "display", "setup", "compat", "workspace", "panels"},
    "panels": {"scene", "display", "review", "jobs", "setup", "compat", "workspace", "presentation", "application"},
    **{tool: set() for tool in SMALL_TOOLS},
    "__init__": set(),
}


def part_of(path):
    return path.stem if path.parent == LIBRARY else path.relative_to(LIBRARY).parts[0]


def known_parts(path):
    """Parts of the library that a file imports, also inside of functions and for the type checker."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return {module.split(".")[1] for module in modules if module and module.startswith(f"{NAME}.")}


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_a_file_knows_only_what_lies_below_it(path):
    part = part_of(path)
    assert part in ALLOWED, f"say in this test what `{part}` may know"
    assert known_parts(path) - {part} - SMALL_TOOLS <= ALLOWED[part]


def test_every_import_inside_the_library_names_a_part():
    """`from DualSSLSegmentationLib import x` would go past the rule above."""
    assert [path.name for path in LIBRARY.rglob("*.py") if f"from {NAME} import" in path.read_text(encoding="utf-8")] == []
