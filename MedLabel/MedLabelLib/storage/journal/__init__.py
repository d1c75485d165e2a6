"""The journal of a project: every change, in order, so that undo survives and nothing is lost."""
