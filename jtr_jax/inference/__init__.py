"""Trained networks, restored from workdirs, to predict with."""
