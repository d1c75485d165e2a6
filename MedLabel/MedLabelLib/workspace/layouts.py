"""Layouts of views: a grid, which cells it has, and which view each cell shows. No face is needed for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..model.errors import NotFoundError
from ..model.planes import Plane

THREED = "threed"
KINDS: tuple[str, ...] = (Plane.AXIAL.value, THREED, Plane.SAGITTAL.value, Plane.CORONAL.value)
LARGEST_GRID = 4
# Slicer's names for its default views; its layouts colour them red, yellow, green
_SLICER_ORIENTATIONS = {"axial": "Axial", "sagittal": "Sagittal", "coronal": "Coronal"}
# sagittal green, coronal blue, axial red, as the handles in the 3D view
PLANE_COLORS = {"axial": "#d9544f", "sagittal": "#4fa763", "coronal": "#5a8fd9"}


@dataclass(frozen=True)
class Cell:
    """A cell of a grid: its first column and row, and how many of each it spans."""

    column: int
    row: int
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True)
class Layout:
    """``columns`` × ``rows`` of equal size, and the cells in reading order."""

    name: str
    columns: int
    rows: int
    cells: tuple[Cell, ...]


def grid(columns: int, rows: int) -> Layout:
    """``columns`` × ``rows`` single cells, 1×1 to 4×4."""
    cells = tuple(Cell(column, row) for row in range(rows) for column in range(columns))
    return Layout(f"{columns}x{rows}", columns, rows, cells)


_LAYOUTS = {
    layout.name: layout
    for layout in (
        *(grid(c, r) for r in range(1, LARGEST_GRID + 1) for c in range(1, LARGEST_GRID + 1)),
        Layout("large_left", 3, 3, (Cell(0, 0, 2, 3), Cell(2, 0), Cell(2, 1), Cell(2, 2))),
        Layout("large_right", 3, 3, (Cell(1, 0, 2, 3), Cell(0, 0), Cell(0, 1), Cell(0, 2))),
        Layout("large_top", 3, 3, (Cell(0, 0, 3, 2), Cell(0, 2), Cell(1, 2), Cell(2, 2))),
    )
}
DEFAULT_LAYOUT = "2x2"


def layout_named(name: str) -> Layout:
    """``2x2`` (columns × rows), ``large_left``… Raises NotFoundError."""
    if name not in _LAYOUTS:
        raise NotFoundError(f"there is no layout {name!r}; there are {', '.join(_LAYOUTS)}")
    return _LAYOUTS[name]


def layout_names() -> list[str]:
    return list(_LAYOUTS)


def kind_of(view: str) -> str:
    """What the view of a name shows: ``axial2`` shows ``axial``."""
    return view.rstrip("0123456789")


class Arrangement:
    """Which view each cell of a layout shows.

    A view is named by what it shows and, from the second of a kind on, a number: ``axial``, ``axial2``,
    ``threed``. It keeps its name, and with it its slice and zoom, wherever it goes.
    """

    def __init__(self, layout: str = DEFAULT_LAYOUT, views: Iterable[str] = KINDS) -> None:
        """Raises NotFoundError for a layout or a kind of view that is not."""
        self.layout = layout_named(layout)
        self.views: list[str] = []
        for view in views:
            self._add(view)
        self.full: str | None = None
        self._fill()

    def _add(self, view: str) -> None:
        if kind_of(view) not in KINDS:
            raise NotFoundError(f"there is no view {view!r}; there are {', '.join(KINDS)}")
        if view not in self.views:
            self.views.append(view)

    @property
    def cells(self) -> list[tuple[str, Cell, Layout]]:
        """Each view that is shown, its cell, and the grid of that cell (one alone, when it has it all)."""
        if self.full is not None:
            alone = grid(1, 1)
            return [(self.full, alone.cells[0], alone)]
        return [(view, cell, self.layout) for view, cell in zip(self.views, self.layout.cells, strict=True)]

    def choose(self, layout: str) -> None:
        """Take another layout; views stay in their order, and new cells get what is not shown yet."""
        self.layout = layout_named(layout)
        self.full = None
        self._fill()

    def show(self, view: str, kind: str) -> str:
        """Show another kind in a view's cell; returns the name of the view that is there now."""
        if kind not in KINDS:
            raise NotFoundError(f"there is no view {kind!r}; there are {', '.join(KINDS)}")
        at = self._index(view)
        if kind_of(view) != kind:
            self.views[at] = self._free(kind)
            if self.full is not None:
                self.full = self.views[at]
        return self.views[at]

    def swap(self, first: str, second: str) -> None:
        """Let two views change places."""
        a, b = self._index(first), self._index(second)
        self.views[a], self.views[b] = self.views[b], self.views[a]

    def maximise(self, view: str) -> None:
        """Give one view all the room; a second time gives it back."""
        self._index(view)
        self.full = None if self.full == view else view

    def to_json(self) -> dict:
        return {"layout": self.layout.name, "views": list(self.views)}

    @classmethod
    def from_json(cls, data: object) -> Arrangement:
        """The default where ``data`` is no arrangement."""
        try:
            return cls(str(data["layout"]), [str(view) for view in data["views"]])
        except (NotFoundError, TypeError, KeyError):
            return cls()

    def _index(self, view: str) -> int:
        if view not in self.views:
            raise NotFoundError(f"the view {view!r} is not shown")
        return self.views.index(view)

    def _fill(self) -> None:
        count = len(self.layout.cells)
        del self.views[count:]
        while len(self.views) < count:
            shown = {kind_of(view) for view in self.views}
            lacking = [kind for kind in KINDS if kind not in shown]
            self.views.append(self._free(lacking[0] if lacking else KINDS[0]))

    def _free(self, kind: str) -> str:
        names = [kind, *(f"{kind}{number}" for number in range(2, len(self.views) + 2))]
        return next(name for name in names if name not in self.views)


def slicer_layout_xml(arrangement: Arrangement) -> str:
    """The arrangement for Slicer's layout manager (``vtkMRMLLayoutNode.AddLayoutDescription``)."""
    items = []
    for view, cell in zip(arrangement.views, arrangement.layout.cells, strict=True):
        kind = kind_of(view)
        tag = f"MedLabel-{view}"
        if kind == THREED:
            inside = (
                f'<view class="vtkMRMLViewNode" singletontag="{tag}">'
                '<property name="viewlabel" action="default">3D</property></view>'
            )
        else:
            orientation = _SLICER_ORIENTATIONS[kind]
            inside = (
                f'<view class="vtkMRMLSliceNode" singletontag="{tag}">'
                f'<property name="orientation" action="default">{orientation}</property>'
                f'<property name="viewlabel" action="default">{orientation[0]}</property>'
                f'<property name="viewcolor" action="default">{PLANE_COLORS[kind]}</property></view>'
            )
        items.append(
            f'<item row="{cell.row}" column="{cell.column}" rowspan="{cell.rows}"'
            f' colspan="{cell.columns}">{inside}</item>'
        )
    return f'<layout type="grid">{"".join(items)}</layout>'
