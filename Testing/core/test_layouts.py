"""Layouts of views: what each cell shows, through choosing, swapping and giving one all the room."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from MedLabelApp.settings import Settings
from MedLabelLib.model.errors import NotFoundError
from MedLabelLib.workspace.layouts import (
    KINDS,
    Arrangement,
    kind_of,
    layout_named,
    layout_names,
    slicer_layout_xml,
)


@pytest.mark.parametrize("name", layout_names())
def test_every_layout_covers_its_grid_once(name) -> None:
    layout = layout_named(name)
    covered = [
        (cell.column + c, cell.row + r)
        for cell in layout.cells
        for c in range(cell.columns)
        for r in range(cell.rows)
    ]
    assert sorted(covered) == sorted((c, r) for c in range(layout.columns) for r in range(layout.rows))


def test_there_is_every_grid_from_one_to_sixteen() -> None:
    assert {f"{c}x{r}" for c in range(1, 5) for r in range(1, 5)} <= set(layout_names())


def test_views_keep_their_names_wherever_they_go() -> None:
    arrangement = Arrangement()
    assert [kind_of(view) for view in arrangement.views] == list(KINDS)
    arrangement.swap("axial", "coronal")
    assert arrangement.views == ["coronal", "threed", "sagittal", "axial"]
    assert arrangement.show("threed", "axial") == "axial2"
    assert arrangement.show("axial2", "axial") == "axial2"
    arrangement.choose("4x4")
    assert arrangement.views[:4] == ["coronal", "axial2", "sagittal", "axial"]
    assert arrangement.views[4] == "threed"
    assert len(set(arrangement.views)) == 16
    arrangement.choose("1x1")
    assert arrangement.views == ["coronal"]


def test_one_view_gets_all_the_room_and_gives_it_back() -> None:
    arrangement = Arrangement()
    arrangement.maximise("sagittal")
    ((view, cell, layout),) = arrangement.cells
    assert (view, cell, layout.columns, layout.rows) == ("sagittal", layout.cells[0], 1, 1)
    assert arrangement.show("sagittal", "threed") == "threed2"
    assert [view for view, _, _ in arrangement.cells] == ["threed2"]
    arrangement.maximise("threed2")
    assert len(arrangement.cells) == 4
    arrangement.maximise("axial")
    arrangement.choose("2x3")
    assert len(arrangement.cells) == 6


def test_what_is_not_there_is_refused_by_name() -> None:
    arrangement = Arrangement()
    for act in (
        lambda: arrangement.choose("5x5"),
        lambda: arrangement.show("axial7", "axial"),
        lambda: arrangement.show("axial", "oblique"),
        lambda: arrangement.swap("axial", "axial9"),
    ):
        with pytest.raises(NotFoundError):
            act()


@pytest.mark.parametrize(
    "kept", [None, 3, {}, {"layout": "9x9", "views": []}, {"layout": "2x2", "views": ["x"]}]
)
def test_a_damaged_memory_gives_the_default(kept) -> None:
    assert Arrangement.from_json(kept).to_json() == Arrangement().to_json()


def test_the_arrangement_is_remembered_also_beside_another_window(tmp_path) -> None:
    file = tmp_path / "settings.json"
    one, other = Settings(file), Settings(file)
    arrangement = Arrangement()
    arrangement.choose("3x2")
    arrangement.swap("axial", "threed")
    one.set(arrangement=arrangement.to_json())
    other.set(ml_theme="light")
    again = Settings(file)
    assert Arrangement.from_json(again.get("arrangement", {})).to_json() == arrangement.to_json()
    assert again.get("ml_theme", "dark") == "light"
    again.forget("ml_theme")
    assert Settings(file).get("ml_theme", "dark") == "dark"


def test_damaged_settings_are_not_used_and_wrong_types_neither(tmp_path) -> None:
    file = tmp_path / "settings.json"
    file.write_text("{torn")
    assert Settings(file).get("ml_theme", "dark") == "dark"
    file.write_text('{"ml_theme": 5}')
    settings = Settings(file)
    assert settings.get("ml_theme", "dark") == "dark"
    settings.set(ml_theme="light")
    assert Settings(file).get("ml_theme", "dark") == "light"


@pytest.mark.parametrize("name", layout_names())
def test_slicer_is_told_the_same_arrangement(name) -> None:
    arrangement = Arrangement(name)
    root = ElementTree.fromstring(slicer_layout_xml(arrangement))
    assert root.attrib["type"] == "grid"
    items = root.findall("item")
    spans = [tuple(int(item.attrib[k]) for k in ("column", "row", "colspan", "rowspan")) for item in items]
    assert spans == [(c.column, c.row, c.columns, c.rows) for c in arrangement.layout.cells]
    tags = [item.find("view").attrib["singletontag"] for item in items]
    assert tags == [f"MedLabel-{view}" for view in arrangement.views]
    for item, view in zip(items, arrangement.views, strict=True):
        is_3d = item.find("view").attrib["class"] == "vtkMRMLViewNode"
        assert is_3d == (kind_of(view) == "threed")
