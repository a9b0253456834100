"""Files that a browser sends: checked, limited in size while they arrive, and gone once they were opened."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
from itertools import count
from pathlib import Path
from typing import Protocol

from aiohttp import BodyPartReader, ClientError, web

from dualssl.errors import DualSSLError
from dualssl.files import output_error
from dualssl_web.upload_content import CONTENT, sort_out

ROUTE = "/upload"

_MB = 1_000_000
_FORM_BYTES = 64 * 1024
"""What a form around the files may take: names, boundaries."""
_CHUNK = 1 << 18
_QUIET_SECONDS = 60.0
_MOST_FILES = 10_000
_LONGEST_NAME = 100
_NOT_IN_NAMES = re.compile(r"[^\w .()+-]")

_log = logging.getLogger(__name__)


class Receiver(Protocol):
    """What becomes of what was uploaded."""

    async def received(self, path: Path, name: str) -> str:
        """Open it.

        Args:
            path: volume file, or folder with DICOM slices; gone when this has returned.
            name: as the person knows it.

        Returns:
            Nothing, or one sentence that says what is wrong with it.
        """


class _RefusedError(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Uploads:
    """Takes what is posted to `/upload`: a form (`multipart/form-data`) whose parts are files, each with its name.

    One volume file, one zip archive of DICOM slices, or many DICOM slices. The answer is JSON, `{"error": ""}` or
    `{"error": SENTENCE}`.

    Args:
        folder: where files are kept meanwhile.
        max_mb: the limit for everything in one upload, packed and unpacked.
        receiver: told what has arrived.
    """

    def __init__(self, folder: Path, max_mb: int, receiver: Receiver) -> None:
        self._folder = folder
        self._limit = max_mb * _MB
        self._receiver = receiver
        self._numbers = count(1)
        self._busy = False

    async def handle(self, request: web.Request) -> web.Response:
        """Handler of the route."""
        if self._busy:
            return _answer(409, "Another upload goes on: wait until it has ended.")
        self._busy = True
        place = self._folder / str(next(self._numbers))
        try:
            error = await self._take(request, place)
        except _RefusedError as refused:
            return _answer(refused.status, str(refused))
        except DualSSLError as wrong:
            return _answer(422, _as_sent(str(wrong), place))
        except OSError as system:
            _log.warning("An upload failed", exc_info=system)
            return _answer(507, str(output_error(Path("The file"), system)))
        finally:
            self._busy = False
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
        return _answer(422, _as_sent(error, place)) if error else _answer(200, "")

    async def _take(self, request: web.Request, place: Path) -> str:
        if not request.content_type.startswith("multipart/"):
            raise _RefusedError(415, "This is no upload of files: use the page's button.")
        if (request.content_length or 0) > self._limit + _FORM_BYTES:
            raise self._too_large()
        place.mkdir(parents=True)
        arrived = await self._store(request, place)
        if not arrived:
            raise _RefusedError(400, "There is no file in this upload: choose one.")
        path, name = await asyncio.to_thread(sort_out, arrived, place, self._limit)
        return await self._receiver.received(path, name)

    async def _store(self, request: web.Request, place: Path) -> list[tuple[Path, str]]:
        """Write the parts of a form that are files; returns each with its cleaned name."""
        arrived: list[tuple[Path, str]] = []
        left = self._limit
        try:
            form = await request.multipart()
            while (part := await asyncio.wait_for(form.next(), _QUIET_SECONDS)) is not None:
                if not isinstance(part, BodyPartReader) or part.filename is None:
                    continue
                if len(arrived) == _MOST_FILES:
                    raise _RefusedError(413, f"These are more than {_MOST_FILES} files: choose one series.")
                # Names are the sender's: they never become part of a path before `clean_name`, nor twice the same path.
                path = place / f"part-{len(arrived)}"
                left = await self._write(part, path, left)
                arrived.append((path, clean_name(part.filename)))
        except asyncio.TimeoutError as error:
            raise _RefusedError(408, "The upload stopped halfway: try again.") from error
        except (ValueError, AssertionError, ClientError, ConnectionError) as error:
            raise _RefusedError(400, "The upload is damaged: try again.") from error
        return arrived

    async def _write(self, part: BodyPartReader, path: Path, left: int) -> int:
        with path.open("xb") as file:
            while chunk := await asyncio.wait_for(part.read_chunk(_CHUNK), _QUIET_SECONDS):
                left -= len(chunk)
                if left < 0:
                    raise self._too_large()
                await asyncio.to_thread(file.write, chunk)
        return left

    def _too_large(self) -> _RefusedError:
        return _RefusedError(
            413,
            f"This is larger than {self._limit // _MB} MB: start the server with a larger --max-upload-mb, or with --volume "
            "and the file.",
        )


def clean_name(name: str) -> str:
    """The last part of a name that somebody sent, fit for a file: no folders, no leading dots, no unusual characters."""
    last = re.split(r"[/\\]", name)[-1]
    plain = _NOT_IN_NAMES.sub("_", last).strip(" .")
    # The end is kept, where the kind of file stands.
    return plain[-_LONGEST_NAME:].strip(" .") or "file"


def install(app: web.Application, uploads: Uploads) -> None:
    """Add the route to an application."""
    app.router.add_post(ROUTE, uploads.handle)


def _as_sent(text: str, place: Path) -> str:
    """A sentence with files named as the sender knows them."""
    return text.replace(f"{place / CONTENT}{os.sep}", "")


def _answer(status: int, error: str) -> web.Response:
    return web.json_response({"error": error}, status=status)
