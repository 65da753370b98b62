"""Recomputes recorded steps of the released code."""
