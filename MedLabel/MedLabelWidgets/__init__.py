"""The Qt panels of the desktop, in Slicer's style."""
