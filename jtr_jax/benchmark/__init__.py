"""Measures compile time, step time, memory and FLOPs of a config."""
