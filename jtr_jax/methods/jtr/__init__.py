"""Joint-Task Regularization."""
