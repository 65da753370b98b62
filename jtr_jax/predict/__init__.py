"""Predictions for the user's own images."""
