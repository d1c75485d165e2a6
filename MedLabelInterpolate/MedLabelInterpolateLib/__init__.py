"""Filling the gap between labelled slices, headless."""
