"""Accumulated metrics and the figures that sum up a run."""
