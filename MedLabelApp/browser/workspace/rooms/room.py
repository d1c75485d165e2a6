"""A room of the page: one concern, with its state, what the page may ask of it, and its parts of the page."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from MedLabelLib.workspace.workspace import Workspace

    from ..application import WorkspaceApplication
    from ..areas import ViewArea
    from ..opening import Opened


@dataclass(frozen=True)
class Tool:
    """A tool of the left bar; what it does with the pointer is ``medlabel.tools[name]`` of a script."""

    name: str
    short: str
    title: str
    key: str

    def to_state(self) -> dict[str, str]:
        return asdict(self)


class Room:
    """What a part of the page needs on this side.

    ``page/rooms/NAME/`` holds its part of the page: ``PLACE.html`` for each place of the frame, scripts and
    styles. A room with a ``panel`` has a tab of that title, filled by its ``panel.html``.
    """

    name: ClassVar[str]
    panel: ClassVar[str] = ""
    tools: ClassVar[tuple[Tool, ...]] = ()
    # the page's variables as they are before a volume is open
    state: ClassVar[dict[str, Any]] = {}
    # of these, what is kept for the user from one time to the next
    remembered: ClassVar[tuple[str, ...]] = ()
    # methods that the page may call by their names
    offers: ClassVar[tuple[str, ...]] = ()

    def __init__(self, app: WorkspaceApplication) -> None:
        self.app = app

    @property
    def page(self) -> Any:
        """The page's variables, live."""
        return self.app.state

    @property
    def workspace(self) -> Workspace | None:
        """The open volume at work; there is one whenever the page calls, and in ``show`` and ``changed``."""
        return self.app.workspace

    def start(self) -> None:
        """The page is made; nothing is open yet."""

    def show(self, opened: Opened) -> None:
        """A volume was opened."""

    def view_made(self, name: str, area: ViewArea) -> None:
        """A view was made; it is not rendered yet."""

    def changed(self, what: str) -> None:
        """The workspace tells: see ``Workspace.listen``."""

    def restore_layout(self) -> None:
        """The user wants the arrangement of the first day back."""

    def tick(self) -> None:
        """Called a few times a second while a volume is open."""

    def close(self) -> None:
        """The window ends; the volume is still open."""
