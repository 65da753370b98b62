"""The command line of trained weights: list, show, import, export."""
