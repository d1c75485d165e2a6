"""The list of a project's volumes."""

import qt
from slicer.i18n import tr as _

from MedLabelWidgets.project_rows import VolumeRow

_LABEL_ROLE = qt.Qt.UserRole


class VolumeTree:
    """Fills a QTreeWidget with datasets and their volumes, and tells which one the user wants to open."""

    def __init__(self, treeWidget, onChosen):
        """``onChosen`` is called with ``dataset/name`` when a volume is double-clicked."""
        self._tree = treeWidget
        self._onChosen = onChosen
        self._tree.setColumnCount(4)
        self._tree.setHeaderLabels([_("Volume"), _("Modality"), _("Size"), _("Objects")])
        self._tree.connect("itemDoubleClicked(QTreeWidgetItem*,int)", self._onDoubleClicked)

    def show(self, rows: list[VolumeRow]) -> None:
        self._tree.clear()
        datasets = {}
        for row in rows:
            if row.dataset not in datasets:
                parent = _item(row.dataset)
                self._tree.addTopLevelItem(parent)
                parent.setExpanded(True)
                datasets[row.dataset] = parent
            item = _item(row.name, row.modality, row.size, row.objects)
            item.setData(0, _LABEL_ROLE, row.label)
            if row.problem:
                item.setText(3, _("cannot be read"))
                item.setToolTip(0, row.problem)
                item.setToolTip(3, row.problem)
            datasets[row.dataset].addChild(item)
        for column in range(4):
            self._tree.resizeColumnToContents(column)

    def selectedLabel(self) -> str | None:
        """``dataset/name`` of the selected volume; None when none, or a dataset, is selected."""
        item = self._tree.currentItem()
        return None if item is None else item.data(0, _LABEL_ROLE)

    def _onDoubleClicked(self, item, _column) -> None:
        label = item.data(0, _LABEL_ROLE)
        if label:
            self._onChosen(label)


def _item(*texts: str):
    item = qt.QTreeWidgetItem()
    for column, text in enumerate(texts):
        item.setText(column, text)
    return item
