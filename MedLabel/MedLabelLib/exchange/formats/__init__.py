"""One file per format that a project is exported to."""
