"""Runs on one page, to look at."""
