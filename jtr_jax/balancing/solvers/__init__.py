"""Small convex problems solved inside jit, in a fixed number of iterations."""
