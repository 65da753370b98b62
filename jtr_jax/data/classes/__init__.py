"""Classes that data sets name differently, brought to those of a run."""
