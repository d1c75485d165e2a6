"""Addresses of stores: a path, ``dicomweb+http(s)://…`` or ``supervisely+http(s)://…``."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from MedLabelLib.model.errors import MedLabelError

FOLDER, DICOMWEB, SUPERVISELY = "folder", "dicomweb", "supervisely"


@dataclass(frozen=True)
class Address:
    """``kind`` is folder, dicomweb or supervisely; ``place`` the folder's path or the server's URL."""

    kind: str
    place: str

    def __str__(self) -> str:
        return self.place if self.kind == FOLDER else f"{self.kind}+{self.place}"


def parse_address(text: str) -> Address:
    """Raises MedLabelError where ``text`` is no address of a store, or holds a secret."""
    kind, plus, url = text.partition("+")
    if not plus or kind not in (DICOMWEB, SUPERVISELY):
        if "://" in text:
            raise MedLabelError("a server's address begins with dicomweb+https:// or supervisely+https://")
        if not text.strip():
            raise MedLabelError("a store needs an address")
        return Address(FOLDER, str(Path(text).expanduser().absolute()))
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise MedLabelError("an address holds no user and no secret; --user names the user")
    if parts.query or parts.fragment:
        raise MedLabelError("a server's address ends with its path")
    try:
        port = parts.port
    except ValueError as error:
        raise MedLabelError(f"a server's address has a port from 1 to 65535: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise MedLabelError(f"{kind}+ is followed by http:// or https:// and a host")
    return Address(kind, url.rstrip("/"))


def is_unprotected(address: Address) -> bool:
    """Whether what goes there can be read on the way: plain http to another machine."""
    if address.kind == FOLDER or not address.place.startswith("http://"):
        return False
    host = urlsplit(address.place).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"
