"""The terms of balancing.

A loss balancer combines K losses into one objective; a gradient balancer
aggregates K gradients into one. Both can be used together: the gradients may be
those of weighted losses. K counts all tasks of a run, whatever labels a batch
has; the mask `present` says which tasks have labels in the batch. An absent
task changes neither the result nor what is learned about the others.
"""

from typing import Any, Literal, TypeAlias, get_args

import jax

from jtr_jax.core import errors

Tree: TypeAlias = Any
"""A nested structure of arrays."""

Scope: TypeAlias = Literal["shared_params", "features", "last_shared_layer"]
"""The variables of the K gradients: all shared parameters, the
shared features z, or the parameters of the last shared layer. In the last case
they only determine weights; the weighted sum of the gradients at z is then
backpropagated through the encoder."""

TaskLoss: TypeAlias = Literal["term", "mean"]
"""The loss of a task: its term in the method's objective, a mean over
all images of the batch, or the mean over the images that have its label."""

AxisName: TypeAlias = str | tuple[str, ...] | None
"""Of one or several mapped axes, as `jax.lax.psum` takes them."""


def require_choice(setting: str, value: str, choices: Any) -> None:
  """Raise a `ValueError` for a value that a `Literal` does not have.

  Args:
    setting: what the value is of, for the message.
    value: what was given.
    choices: the `Literal`; the nearest of its values is named.
  """
  known = get_args(choices)
  if value not in known:
    raise errors.unknown_name(setting, value, known)


def strong(tree: Tree) -> Tree:
  """Return the arrays with strong types.

  A state whose types change with the first update would be compiled twice.
  """
  return jax.tree.map(lambda x: x.astype(x.dtype), tree)
