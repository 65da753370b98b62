"""Recomputes recorded numbers of the released code."""
