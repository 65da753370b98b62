"""What balancers learn from a second, independently drawn batch."""

from jtr_jax.train import implicit_influence
from jtr_jax.train.state import TrainState
from jtr_jax.train.step_parts import Batch, Extra, Program
from jtr_jax.train.virtual_step import look_ahead


def use(
  program: Program, state: TrainState, batch: Batch, extra: Batch
) -> tuple[TrainState, Extra]:
  """Return the state and what the step needs of an extra batch.

  Args:
    program: network, method and balancing; at least one balancer needs it.
    state: before the step.
    batch: of the step.
    extra: another batch.

  Returns:
    The state, with weights updated by a virtual step if the loss balancer looks
    ahead, and the batch with the influence of the gradient balancer's weights.
  """
  influence = None
  if program.balancing.looks_ahead:
    state = look_ahead(program, state, batch, extra)
  if program.balancing.learns_from_influence:
    influence = implicit_influence.measure(program, state, batch, extra)
  return state, Extra(extra, influence)
