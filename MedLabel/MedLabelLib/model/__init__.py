"""What a project is made of: geometry, masks, classes, tags, annotations. Python and NumPy only."""
