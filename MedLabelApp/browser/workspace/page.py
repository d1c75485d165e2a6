"""The workspace's page: its frame, with the parts of every room put in their places."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .rooms.room import Room

PAGE = Path(__file__).parent.parent / "page"
CORE_SCRIPTS = ("say", "calls", "keys", "menus", "link")
# the places of the frame, page/workspace.html; in each, the rooms' parts follow in the order of the rooms
PLACES = ("title", "bar", "more", "main", "side", "panel", "options", "foot", "foot_right", "over")


def page_module(rooms: Sequence[Room]) -> dict:
    """What trame serves and loads: the core's scripts and styles, then the rooms' own.

    Scripts load in any order, and meet on ``window.medlabel``.
    """
    files = [PAGE / "core" / f"{name}.js" for name in CORE_SCRIPTS] + [PAGE / "core" / "core.css"]
    for room in rooms:
        files += sorted((PAGE / "rooms" / room.name).glob("*"))
    addresses = [f"__medlabel/{file.relative_to(PAGE).as_posix()}" for file in files]
    return {
        "serve": {"__medlabel": str(PAGE)},
        "scripts": [address for address in addresses if address.endswith(".js")],
        "styles": [address for address in addresses if address.endswith(".css")],
    }


def page_template(rooms: Sequence[Room]) -> str:
    """The frame with each room's ``page/rooms/NAME/PLACE.html``."""
    template = (PAGE / "workspace.html").read_text(encoding="utf-8")
    for place in PLACES:
        parts = [_part(room, place) for room in rooms]
        template = template.replace(f"<!-- {place} -->", "\n".join(part for part in parts if part))
    return template


def _part(room: Room, place: str) -> str:
    file = PAGE / "rooms" / room.name / f"{place}.html"
    if not file.is_file():
        return ""
    text = file.read_text(encoding="utf-8")
    if place != "panel":
        return text
    return (
        f'<section class="ml-page" v-show="ml_panel === \'{room.name}\'" data-panel="{room.name}"'
        f' aria-label="{room.panel}">\n{text}</section>'
    )
