"""The browser workspace: front, workspace servers and page."""
