"""Three-way merges of labels: what one side changed is taken, what both changed differently is a conflict."""
