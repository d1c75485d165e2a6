"""Stores, queue and merge, headless."""
