"""Gradient balancers: one paper a file, named as in the registry."""
