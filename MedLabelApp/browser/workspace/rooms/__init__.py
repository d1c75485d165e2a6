"""The rooms of the page, in the order in which their parts stand in each place."""

from __future__ import annotations

from .crosshair import CrosshairRoom
from .display import DisplayRoom
from .drawing import DrawingRoom
from .frame import FrameRoom
from .history import HistoryRoom
from .holder import HolderRoom
from .interpolation import InterpolationRoom
from .keys import KeysRoom
from .objects import ObjectsRoom
from .provenance import ProvenanceRoom
from .readout import ReadoutRoom
from .room import Room
from .saving import SavingRoom
from .threed import ThreeDRoom
from .views import ViewsRoom
from .volumes import VolumesRoom
from .windowing import WindowingRoom

ROOMS: tuple[type[Room], ...] = (
    HolderRoom,
    HistoryRoom,
    InterpolationRoom,
    ViewsRoom,
    DrawingRoom,
    WindowingRoom,
    CrosshairRoom,
    ObjectsRoom,
    VolumesRoom,
    DisplayRoom,
    ThreeDRoom,
    ProvenanceRoom,
    ReadoutRoom,
    KeysRoom,
    SavingRoom,
    FrameRoom,
)
