"""Keeping a project in order: its classes and tags across all volumes, what is tagged, who works on what."""
