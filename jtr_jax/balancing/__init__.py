"""Turning K losses or K gradients into one update; usable by itself."""
