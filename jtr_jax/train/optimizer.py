"""Optimisers with the papers' schedules."""

import optax


def adam(
  *, learning_rate: float, decay_rate: float, decay_steps: int
) -> optax.GradientTransformation:
  """Return Adam whose learning rate falls in steps.

  Args:
    learning_rate: at the start; 1e-4 in the papers.
    decay_rate: factor of every fall; 0.5 in the papers.
    decay_steps: updates from one fall to the next.

  Returns:
    The transformation, betas 0.9 and 0.999, epsilon 1e-8.

  Source: released train_nyuv2.py: torch Adam and StepLR.
  """
  return optax.adam(
    optax.exponential_decay(
      learning_rate, decay_steps, decay_rate, staircase=True
    )
  )
