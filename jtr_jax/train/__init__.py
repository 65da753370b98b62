"""State, optimiser, pure steps, evaluation, checkpoints and the loop."""
