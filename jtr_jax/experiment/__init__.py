"""One run, or several (STL, MuST, grid search, primary tasks)."""
