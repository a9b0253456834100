"""trame's first page, without a race in it.

The page fetches a picture of waiting and puts it where the application goes, whenever it comes. Where the application was
faster, the picture took its place for good: one reload in forty ended so.
"""

from __future__ import annotations

import re
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

PATH = "/index.html"

_WAITING = re.compile(r"<script>(?:(?!</script>).)*loading\.tpl(?:(?!</script>).)*</script>", re.DOTALL)
_ONLY_WHERE_NOTHING_IS = """<script>
      fetch("./loading.tpl")
        .then((answer) => answer.text())
        .then((picture) => {
          const app = document.querySelector("#app");
          if (!app.hasChildNodes()) app.innerHTML = picture;
        });
    </script>"""


class FirstPage:
    """Answers for the page.

    Args:
        index: trame's file.

    Attributes:
        text: of the page as it is sent. Where trame's has no such script any more, it is trame's.
    """

    def __init__(self, index: Path) -> None:
        self.text = _WAITING.sub(lambda _found: _ONLY_WHERE_NOTHING_IS, index.read_text(encoding="utf-8"))

    def install(self, app: web.Application) -> None:
        """Have an application send it, behind what stands before its handlers already."""

        @web.middleware
        async def first_page(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path == PATH and request.method in ("GET", "HEAD"):
                return web.Response(text=self.text, content_type="text/html")
            return await handler(request)

        app.middlewares.append(first_page)
