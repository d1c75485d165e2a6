"""Segmentation from clicks and boxes, headless."""
