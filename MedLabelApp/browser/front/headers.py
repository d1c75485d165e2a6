"""The security headers of every answer, and the content policies of its two kinds of page."""

from __future__ import annotations

import base64
import hashlib
import re

COMMON_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

#: The projects page: our own files and nothing else, nothing inline.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)

_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc\s*=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)


def workspace_policy(html: bytes = b"") -> str:
    """The content policy of a workspace's page.

    Vue compiles trame's templates in the browser ('unsafe-eval') and its widgets set inline styles. The
    inline scripts that ``html`` itself carries are allowed by their hash, so that no other can run.
    ``connect-src 'self'`` keeps a crafted ``?sessionURL=…`` from leading the page to another server.
    """
    hashes = "".join(
        f" 'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
        for script in _INLINE_SCRIPT.findall(html)
    )
    return (
        f"default-src 'self'; script-src 'self' 'unsafe-eval'{hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; worker-src 'self' blob:; "
        "connect-src 'self' blob: data:; form-action 'self'; base-uri 'self'; object-src 'none'; "
        "frame-ancestors 'none'"
    )
