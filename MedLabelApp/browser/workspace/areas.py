"""The views of the page: trame-slicer's, rendered here and streamed as pictures."""

from __future__ import annotations

from collections.abc import Callable

from slicer import (
    vtkMRMLLayerDisplayableManager,
    vtkMRMLMarkupsDisplayableManager,
    vtkMRMLSegmentationsDisplayableManager2D,
)
from trame_rca.utils import RcaViewAdapter, VtkWindow
from trame_slicer.core import SlicerApp
from trame_slicer.views import SliceView, ThreeDView
from trame_slicer.views.render_scheduler import NoScheduleRendering
from trame_slicer.views.slice_view import SliceRendererManager
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkCommand, vtkObject
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkImagingCore import vtkImageExtractComponents, vtkImageShiftScale

from .streaming import RenderQueue, Stream


class _Window(VtkWindow):
    """A render window whose pixels are taken without touching its renderers and cameras."""

    def __init__(self, render_window) -> None:
        super().__init__(render_window)
        self._pixels = vtkImageData()
        self.on_resize: Callable[[], None] = lambda: None
        self.on_interaction: Callable[[], None] = lambda: None

    def process_resize_event(self, width, height) -> None:
        super().process_resize_event(width, height)
        self._iren.InvokeEvent(vtkCommand.WindowResizeEvent)
        self.on_resize()

    def process_interaction_event(self, event) -> None:
        super().process_interaction_event(event)
        self.on_interaction()

    @property
    def img_cols_rows(self):
        self._vtk_render_window.Render()
        vtkMRMLLayerDisplayableManager.RenderWindowBufferToImage(self._vtk_render_window, self._pixels)
        columns, rows, _ = self._pixels.GetDimensions()
        pixels = vtk_to_numpy(self._pixels.GetPointData().GetScalars()).reshape((rows, columns, -1))
        return pixels[::-1, :, :3].copy(), columns, rows


class _SlicePicture(SliceRendererManager):
    """The slice's picture: drawn before the labels, which it is seen through, and inverted if wanted."""

    def __init__(self, view: SliceView) -> None:
        super().__init__(view)
        self._connection = None
        self._inverted = False
        colors = vtkImageExtractComponents()
        colors.SetComponents(0, 1, 2)
        self._invert = vtkImageShiftScale()
        self._invert.SetInputConnection(colors.GetOutputPort())
        self._invert.SetShift(-255.0)
        self._invert.SetScale(-1.0)
        self._invert.SetOutputScalarTypeToUnsignedChar()
        self._colors = colors
        # what is added to the renderer later would be hidden where labels were drawn already
        self.image_actor.SetVisibility(False)
        view.first_renderer().AddViewProp(self.image_actor)

    def SetImageDataConnection(self, connection) -> None:
        self._connection = connection
        if connection is None or not self._inverted:
            super().SetImageDataConnection(connection)
        else:
            self._colors.SetInputConnection(connection)
            super().SetImageDataConnection(self._invert.GetOutputPort())

    def invert(self, inverted: bool) -> None:
        if inverted != self._inverted:
            self._inverted = inverted
            self.SetImageDataConnection(self._connection)


# what a slice view draws over its picture. The others that trame-slicer names are left out: those for models
# and transforms render every view anew whenever any slice moves, since a slice's plane in 3D is a model
_DRAWN_IN_SLICES = (vtkMRMLSegmentationsDisplayableManager2D, vtkMRMLMarkupsDisplayableManager)


class _SliceView(SliceView):
    """A slice view whose picture is there before its labels: what comes first is drawn first."""

    def _initialize_displayable_manager_group(self, factory_type, app_logic, manager_types) -> None:
        self._render_manager = self.picture = _SlicePicture(self)
        super()._initialize_displayable_manager_group(factory_type, app_logic, list(_DRAWN_IN_SLICES))


class _Streamed(NoScheduleRendering):
    """What the view asks to be rendered is rendered when its turn comes."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    def schedule_render(self) -> None:
        self._stream.schedule_render()


class ViewArea:
    """One view and its stream; the page shows it in the remote-controlled area of the same name."""

    def __init__(self, server, slicer_app: SlicerApp, queue: RenderQueue, name: str, is_slice: bool) -> None:
        kind = _SliceView if is_slice else ThreeDView
        # trame-slicer observes an event that VTK 9.6 warns of; it is sent by _Window above
        vtkObject.GlobalWarningDisplayOff()
        # not rendered while it is made: a view renders at each of a hundred changes else
        self.view = kind(
            scene=slicer_app.scene,
            app_logic=slicer_app.app_logic,
            name=name,
            scheduled_render_strategy=NoScheduleRendering(),
        )
        vtkObject.GlobalWarningDisplayOn()
        window = self.view.render_window()
        # without a GPU four samples a pixel cost eight times the time of one, and a slice gains nothing
        window.SetMultiSamples(0)
        self.window = _Window(window)
        self.stream = queue.add(self.window, is_heavy=not is_slice)
        self.window.on_interaction = lambda: queue.prefer(self.stream)
        self.adapter = RcaViewAdapter(
            window=self.window, name=name, scheduler=self.stream, do_schedule_render_on_interaction=False
        )
        self.view.set_scheduled_render(_Streamed(self.stream))
        server.root_server.controller.rc_area_register(self.adapter)
