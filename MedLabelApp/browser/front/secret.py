"""The secret in the printed address, and the browsers that have exchanged it."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


class Secret:
    """One server's secret. A new server has a new one, and knows no browser.

    ``token`` is what the printed address carries; every browser that presents it gets a session of its own.
    Tokens and sessions are held and compared as digests, so that no comparison's time tells of their value.
    """

    def __init__(self) -> None:
        self.token: str = secrets.token_urlsafe(32)
        self._token_digest = _digest(self.token)
        self._once: set[bytes] = set()
        self._sessions: set[bytes] = set()

    def issue_once(self) -> str:
        """A further token that works a single time: for the browser this machine opens by a command line,
        which other users of the machine can read."""
        token = secrets.token_urlsafe(32)
        self._once.add(_digest(token))
        return token

    def exchange(self, token: str) -> str | None:
        """The new session of the browser that presents ``token``; ``None`` when the token is wrong."""
        digest = _digest(token)
        if digest in self._once:
            self._once.discard(digest)
        elif not hmac.compare_digest(digest, self._token_digest):
            return None
        session = secrets.token_urlsafe(32)
        self._sessions.add(_digest(session))
        return session

    def knows(self, session: str | None) -> bool:
        """Whether ``session`` was given to a browser by this server."""
        return session is not None and _digest(session) in self._sessions
