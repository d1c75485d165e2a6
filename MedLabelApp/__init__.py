"""The standalone faces: the medlabel command and the browser workspace."""
