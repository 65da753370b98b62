"""Prepared data on disk: TFDS records and their manifest."""
