"""The views of the page: trame-slicer's, rendered here and streamed as images."""

from __future__ import annotations

from slicer import vtkMRMLLayerDisplayableManager
from trame_rca.utils import RcaRenderScheduler, RcaViewAdapter, VtkWindow
from trame_slicer.core import SlicerApp
from trame_slicer.views import ScheduledRenderStrategy, SliceView, ThreeDView
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkCommand, vtkObject
from vtkmodules.vtkCommonDataModel import vtkImageData

FRAMES_PER_SECOND = 60.0
MOVING_QUALITY, STILL_QUALITY = 70, 95


class _Window(VtkWindow):
    """A render window whose pixels are taken without touching its renderers and cameras."""

    def __init__(self, render_window) -> None:
        super().__init__(render_window)
        self._pixels = vtkImageData()

    def process_resize_event(self, width, height) -> None:
        super().process_resize_event(width, height)
        self._iren.InvokeEvent(vtkCommand.WindowResizeEvent)

    @property
    def img_cols_rows(self):
        self._vtk_render_window.Render()
        vtkMRMLLayerDisplayableManager.RenderWindowBufferToImage(self._vtk_render_window, self._pixels)
        columns, rows, _ = self._pixels.GetDimensions()
        pixels = vtk_to_numpy(self._pixels.GetPointData().GetScalars()).reshape((rows, columns, -1))
        return pixels[::-1].copy(), columns, rows


class _Streamed(ScheduledRenderStrategy):
    def __init__(self, scheduler: RcaRenderScheduler) -> None:
        super().__init__()
        self._scheduler = scheduler

    def schedule_render(self) -> None:
        super().schedule_render()
        self._scheduler.schedule_render()


def _put_image_first(view: SliceView) -> None:
    """Draw the scan before the labels: what is added later is hidden where labels were drawn already."""
    actor = view._render_manager.image_actor
    actor.SetVisibility(False)
    view.first_renderer().AddViewProp(actor)


class ViewArea:
    """One view and its stream; the page shows it in the remote-controlled area of the same name."""

    def __init__(self, server, slicer_app: SlicerApp, name: str, is_slice: bool) -> None:
        kind = SliceView if is_slice else ThreeDView
        # trame-slicer observes an event that VTK 9.6 warns of; it is sent by _Window below
        vtkObject.GlobalWarningDisplayOff()
        self.view = kind(scene=slicer_app.scene, app_logic=slicer_app.app_logic, name=name)
        vtkObject.GlobalWarningDisplayOn()
        if is_slice:
            _put_image_first(self.view)
        window = self.view.render_window()
        # without a GPU four samples a pixel cost eight times the time of one, and a slice gains nothing
        window.SetMultiSamples(0)
        streamed = _Window(window)
        self.scheduler = RcaRenderScheduler(
            window=streamed,
            rca_encoder="jpeg",
            target_fps=FRAMES_PER_SECOND,
            interactive_quality=MOVING_QUALITY,
            still_quality=STILL_QUALITY,
        )
        self.adapter = RcaViewAdapter(
            window=streamed, name=name, scheduler=self.scheduler, do_schedule_render_on_interaction=False
        )
        self.view.set_scheduled_render(_Streamed(self.scheduler))
        server.controller.on_server_ready.add(
            lambda **_: server.root_server.controller.rc_area_register(self.adapter)
        )
