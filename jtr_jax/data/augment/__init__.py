"""Views of a batch: crop, flip and colour, inside jit."""
