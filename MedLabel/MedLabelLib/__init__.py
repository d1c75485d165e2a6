"""The core of MedLabel: projects, annotations, geometry, volumes in, labels in and out, the workspace."""
