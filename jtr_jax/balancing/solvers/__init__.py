"""Small convex problems solved inside jit, with a fixed number of iterations."""
