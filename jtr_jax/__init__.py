"""Multi-task dense prediction with partially labelled data, in JAX."""

__version__ = "0.1.0"
