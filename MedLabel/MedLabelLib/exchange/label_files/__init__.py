"""Reading the files in which other tools keep labels: one file per format, and which volume they are of."""
