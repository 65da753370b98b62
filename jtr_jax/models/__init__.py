"""Flax modules behind a functional interface."""
