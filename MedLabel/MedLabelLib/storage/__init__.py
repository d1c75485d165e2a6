"""Projects on disk: folders, atomic files, locks."""
