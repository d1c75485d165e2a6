"""The history of the volume that is open: its steps, an earlier state shown in the views, and going there."""

import qt
from slicer.i18n import tr as _

from MedLabelWidgets.ErrorDisplay import errorsShown
from MedLabelWidgets.history_rows import PAGE_STEPS, history_rows

_ENTRY_ROLE = qt.Qt.UserRole


class HistoryPanel:
    """Fills the history section of MedLabel's panel; what it shows comes from the EditedVolume."""

    def __init__(self, ui):
        self._ui = ui
        self._edited = None
        self._count = PAGE_STEPS
        self._shown = None
        self._segment = None
        ui.historyTree.setColumnCount(4)
        ui.historyTree.setHeaderLabels([_("Time"), _("Step"), _("By"), ""])
        ui.historyTree.connect("itemClicked(QTreeWidgetItem*,int)", self.onStepClicked)
        ui.olderButton.connect("clicked(bool)", self.onOlder)
        ui.goThereButton.connect("clicked(bool)", self.onGoThere)
        ui.bringBackButton.connect("clicked(bool)", self.onBringBack)
        ui.cancelPreviewButton.connect("clicked(bool)", self.onCancel)
        ui.undoButton.connect("clicked(bool)", self.onUndo)
        ui.redoButton.connect("clicked(bool)", self.onRedo)

    def edit(self, edited) -> None:
        """Show the history of an EditedVolume; None for nothing."""
        self._edited = edited
        self._count = PAGE_STEPS
        self._shown = None
        self._segment = None
        if edited is not None:
            edited.history.listen(self.showPreview)
        self.refresh()

    def refresh(self) -> None:
        """Show what has changed: the list is filled anew only when there is another newest entry."""
        edited = self._edited
        self._ui.historySection.enabled = edited is not None
        session = None if edited is None else edited.session
        undo = None if session is None else session.can_undo
        redo = None if session is None else session.can_redo
        self._ui.undoButton.enabled = bool(undo)
        self._ui.redoButton.enabled = bool(redo)
        self._ui.undoButton.toolTip = _("Undo: {name}").format(name=undo) if undo else _("Nothing to undo")
        self._ui.redoButton.toolTip = _("Redo: {name}").format(name=redo) if redo else _("Nothing to redo")
        shown = None if session is None else (session.newest_entry, self._count)
        if shown != self._shown:
            self._shown = shown
            self._segment = None
            self._fill()
        self.showPreview()

    def showOrigin(self, segmentID: str) -> None:
        """Say how the object of the selected segment came about."""
        if segmentID != self._segment:
            self._segment = segmentID
            text = self._edited.provenance_text(segmentID) if self._edited and segmentID else ""
            self._ui.originLabel.text = text

    # What the user asks for

    def onStepClicked(self, item, _column) -> None:
        with errorsShown():
            self._edited.show_earlier(item.data(0, _ENTRY_ROLE))

    def onOlder(self, _checked=False) -> None:
        self._count += PAGE_STEPS
        self.refresh()

    def onGoThere(self, _checked=False) -> None:
        with errorsShown():
            self._edited.go_there()

    def onBringBack(self, _checked=False) -> None:
        key = self._ui.objectChoice.currentData
        if key:
            with errorsShown():
                self._edited.bring_back(key)

    def onCancel(self, _checked=False) -> None:
        self._edited.history.cancel()

    def onUndo(self, _checked=False) -> None:
        with errorsShown():
            self._edited.undo()

    def onRedo(self, _checked=False) -> None:
        with errorsShown():
            self._edited.redo()

    # What is shown

    def showPreview(self) -> None:
        edited = self._edited
        history = None if edited is None else edited.history
        isShown = history is not None and history.entry is not None
        mayGo = isShown and not edited.read_only
        self._ui.previewSection.setVisible(isShown)
        self._ui.objectChoice.clear()
        if isShown:
            self._ui.previewLabel.text = history.sentence()
            for difference in history.difference.objects:
                if difference.can_come_back:
                    self._ui.objectChoice.addItem(difference.title, difference.key)
        self._ui.goThereButton.enabled = mayGo and history.difference.any
        self._ui.bringBackButton.enabled = mayGo and any(
            difference.can_come_back for difference in history.difference.objects
        )

    def _fill(self) -> None:
        self._ui.historyTree.clear()
        rows, hasOlder = [], False
        if self._edited is not None:
            rows, hasOlder = history_rows(self._edited.session, self._count)
        for row in rows:
            item = qt.QTreeWidgetItem()
            for column, text in enumerate((row.when, row.name, row.by, row.state)):
                item.setText(column, text)
            item.setData(0, _ENTRY_ROLE, row.entry)
            item.setToolTip(1, row.name)
            self._ui.historyTree.addTopLevelItem(item)
        self._ui.olderButton.setVisible(hasOlder)
