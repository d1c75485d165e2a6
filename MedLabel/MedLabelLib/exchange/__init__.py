"""Scans and labels in and out of a project."""
