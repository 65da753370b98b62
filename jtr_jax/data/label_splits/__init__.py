"""Which image shows its label for which task."""
