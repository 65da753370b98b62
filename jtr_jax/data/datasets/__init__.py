"""Readers of raw data: one file a data set."""
