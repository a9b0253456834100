"""A form that asks for the password, and how often it may be answered wrong."""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import Callable

from aiohttp import web

from dualssl_web.access.token import is_same

FORM = "/login"

_WRONG_TRIES = 5
_PAUSE_SECONDS = 60.0
_MOST_ADDRESSES = 1000
_WRONG_ANSWER_SECONDS = 0.5
_LONGEST_ANSWER = 4096

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>DualSSL Segmentation: password</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1c1c1c; background: #ffffff; }}
main {{ margin: 15vh auto; max-width: 24rem; padding: 0 1rem; }}
label, input, button {{ display: block; width: 100%; box-sizing: border-box; font: inherit; margin: 0 0 0.75rem; }}
input, button {{ padding: 0.5rem; border: 1px solid #595959; border-radius: 4px; }}
button {{ background: #0b57a4; border-color: #0b57a4; color: #ffffff; }}
</style>
</head>
<body>
<main>
<h1>DualSSL Segmentation</h1>
<form method="post" action="/login">
<p role="alert">{message}</p>
<label for="password">Password of this server</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button id="enter" type="submit">Enter</button>
</form>
</main>
</body>
</html>
"""


class Attempts:
    """Counts wrong answers by address.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[str, list[float]] = {}

    def too_many(self, who: str) -> bool:
        """Whether an address has to wait."""
        return len(self._recent(who)) >= _WRONG_TRIES

    def count(self, who: str) -> None:
        """An answer is about to be looked at; until it was right it counts as wrong, or many at once would go uncounted."""
        recent = [*self._recent(who), self._clock()]
        self._wrong.pop(who, None)
        if len(self._wrong) >= _MOST_ADDRESSES:
            # Whoever was quiet for the longest time is forgotten.
            self._wrong.pop(next(iter(self._wrong)))
        self._wrong[who] = recent

    def forget(self, who: str) -> None:
        """The answer was right."""
        self._wrong.pop(who, None)

    def _recent(self, who: str) -> list[float]:
        since = self._clock() - _PAUSE_SECONDS
        return [moment for moment in self._wrong.get(who, []) if moment > since]


class PasswordForm:
    """Asks for one password.

    Args:
        password: the right one.
    """

    def __init__(self, password: str) -> None:
        self._password = password
        self._attempts = Attempts()

    def page(self, message: str = "", status: int = 200) -> web.Response:
        """The form, with a sentence above it."""
        return web.Response(text=_PAGE.format(message=html.escape(message)), content_type="text/html", status=status)

    async def refusal(self, request: web.Request) -> web.Response | None:
        """Why an answer lets nobody in; None if it was right."""
        who = request.remote or ""
        if self._attempts.too_many(who):
            return self.page("Too many wrong passwords: wait a minute, then try again.", 429)
        if (request.content_length or 0) > _LONGEST_ANSWER:
            return self.page("That is too long for a password.", 413)
        self._attempts.count(who)
        given = (await request.post()).get("password")
        if isinstance(given, str) and is_same(given, self._password):
            self._attempts.forget(who)
            return None
        await asyncio.sleep(_WRONG_ANSWER_SECONDS)
        return self.page("This is not the password: try again.", 403)
