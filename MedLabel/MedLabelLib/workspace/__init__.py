"""A project's volume opened in a MRML scene that is handed in."""
