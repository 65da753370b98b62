"""What a task has for itself: features to raw outputs, one kind a file."""
