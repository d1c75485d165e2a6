"""Taking nodes out of a scene with what was made for them."""

from __future__ import annotations


def remove_node(scene, node) -> None:
    """Remove a displayable node with its display nodes, which a scene keeps otherwise."""
    if node.GetScene() is None:
        return
    displays = [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    scene.RemoveNode(node)
    for display in displays:
        if display is not None and display.GetScene() is not None:
            scene.RemoveNode(display)
