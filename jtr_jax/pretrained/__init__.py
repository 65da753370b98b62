"""Trained weights to begin with: imported ones, those of a package."""
