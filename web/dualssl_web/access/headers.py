"""What every answer tells the browser about what pages may do."""

from __future__ import annotations

import base64
import hashlib
import re

from aiohttp import web

from dualssl_web.access.password import FORM

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), serial=(), payment=(), display-capture=()",
}


class SecurityHeaders:
    """Those of one server.

    Args:
        page: text of the first page. A script that stands in it is allowed by its hash, other inline scripts are not.
        forms: paths of pages that have a form.
    """

    def __init__(self, page: str = "", forms: tuple[str, ...] = (FORM,)) -> None:
        self._hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in _INLINE_SCRIPT.findall(page))
        self._forms = forms

    def install(self, app: web.Application) -> None:
        """Have them sent with every answer of an application, also with errors and before a websocket begins."""
        app.on_response_prepare.append(self._add)

    async def _add(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(_ALWAYS)
        response.headers["Content-Security-Policy"] = self._policy(request.host)
        # Without a referrer a browser would say of a form that it comes from nowhere.
        response.headers["Referrer-Policy"] = "same-origin" if request.path in self._forms else "no-referrer"
        kept = response.content_type in ("text/javascript", "application/javascript", "text/css") or request.path.endswith(
            (".woff", ".woff2", ".ttf", ".png", ".svg")
        )
        # Files that belong to the program may be kept if the server is asked each time; everything else may show a case.
        response.headers["Cache-Control"] = "private, no-cache" if kept else "no-store"

    def _policy(self, host: str) -> str:
        """Content Security Policy, level 3.

        Everything comes from this server and speaks to it alone. `unsafe-eval`: Vue compiles the page's templates, which trame
        sends as text, in the browser. Styles inline: Vuetify writes its themes and sizes so. `data:` and `blob:` images: the
        views' frames.
        """
        return "; ".join(
            (
                "default-src 'none'",
                f"script-src 'self' 'unsafe-eval' {self._hashes}".rstrip(),
                "style-src 'self' 'unsafe-inline'",
                "img-src 'self' data: blob:",
                "media-src 'self' blob:",
                "font-src 'self' data:",
                "worker-src 'self' blob:",
                # Named as well, for browsers in which 'self' does not stand for the websocket.
                f"connect-src 'self' ws://{host} wss://{host}",
                "base-uri 'self'",
                "form-action 'self'",
                "frame-ancestors 'none'",
            )
        )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
