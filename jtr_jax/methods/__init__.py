"""One file for each paper: losses over predictions and masked labels."""
