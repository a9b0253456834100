"""Files that people hand to the registry: read as JSON, with errors that name the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from dualssl.errors import RegistryError

Content = TypeVar("Content")


def read_file(path: Path, content_of: Callable[[Any], Content], remedy: str, command_line: str) -> Content:
    """The content of a JSON file.

    Args:
        path: of the file.
        content_of: makes it from plain data; its `RegistryError` gets the file's name.
        remedy: what a person should do where the file cannot be read, for the message.
        command_line: which command writes such a file.

    Raises:
        RegistryError: the file cannot be read or is no JSON, or as `content_of`.
    """
    try:
        return content_of(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RegistryError(f"{path} cannot be read ({error.strerror}): {remedy}.", command_line=command_line) from error
    except (ValueError, RecursionError) as error:
        raise RegistryError(f"{path} is not readable as JSON: {remedy}.", command_line=command_line) from error
    except RegistryError as error:
        raise RegistryError(f"{path}: {error}", command_line=error.command_line) from error
