"""Trained networks as files that need none of this package."""
