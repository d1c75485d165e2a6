"""Timings, run by ``medlabel bench``; they are no tests."""
