"""State dictionaries of the released SegNets, as parameter trees."""

from collections.abc import Iterator, Mapping

import jax.numpy as jnp
import numpy as np

from jtr_jax.models.multitask import Tree, decoder_name

STAGES = 5


def model_trees(
  arrays: Mapping[str, np.ndarray],
  prefix: str,
  task_names: tuple[str, ...],
  *,
  statistics: bool = True,
) -> tuple[Tree, Tree]:
  """Return (params, model_state) of the multi-task model.

  Args:
    arrays: a recording.
    prefix: such as "model" or "grad_model".
    task_names: our names of `pred_task1`, `pred_task2`, ...
    statistics: whether there are running statistics; gradients have none.
  """
  params, state = _trunk(arrays, prefix, statistics)
  heads = {
    decoder_name(name): _head(arrays, f"{prefix}/pred_task{index}")
    for index, name in enumerate(task_names, start=1)
  }
  states = {"encoder": state, **{name: {} for name in heads}}
  return {"encoder": params, **heads}, states


def autoencoder_trees(
  arrays: Mapping[str, np.ndarray], prefix: str, *, statistics: bool = True
) -> tuple[Tree, Tree]:
  """Return (params, state) of the joint-task auto-encoder."""
  params, state = _trunk(arrays, prefix, statistics)
  head = _head(arrays, f"{prefix}/pred_layer")
  return {"trunk": params, "head": head}, {"trunk": state}


def _trunk(
  arrays: Mapping[str, np.ndarray], prefix: str, statistics: bool
) -> tuple[Tree, Tree]:
  params: Tree = {}
  state: Tree = {}
  for side, released in (("encoder", "enc"), ("decoder", "dec")):
    for stage in range(STAGES):
      name = f"{side}{stage}"
      params[name], state[name] = {}, {}
      for index, layer in enumerate(_layers(prefix, side, released, stage)):
        params[name][f"conv{index}"] = _conv(arrays, f"{layer}.0")
        params[name][f"norm{index}"] = {
          "scale": jnp.asarray(arrays[f"{layer}.1.weight"]),
          "bias": jnp.asarray(arrays[f"{layer}.1.bias"]),
        }
        if statistics:
          state[name][f"norm{index}"] = {
            "mean": jnp.asarray(arrays[f"{layer}.1.running_mean"]),
            "var": jnp.asarray(arrays[f"{layer}.1.running_var"]),
          }
  return params, state


def _layers(prefix: str, side: str, released: str, stage: int) -> Iterator[str]:
  """Yield the released names of a stage's convolutions, in order."""
  yield f"{prefix}/{side}_block.{stage}"
  block = f"{prefix}/conv_block_{released}.{stage}"
  yield from [block] if stage < 2 else [f"{block}.0", f"{block}.1"]


def _head(arrays: Mapping[str, np.ndarray], name: str) -> Tree:
  return {
    "conv0": _conv(arrays, f"{name}.0"),
    "conv1": _conv(arrays, f"{name}.1"),
  }


def _conv(arrays: Mapping[str, np.ndarray], name: str) -> Tree:
  """Return a convolution with its kernel as [height, width, in, out]."""
  kernel = np.transpose(arrays[f"{name}.weight"], (2, 3, 1, 0))
  return {
    "kernel": jnp.asarray(kernel),
    "bias": jnp.asarray(arrays[f"{name}.bias"]),
  }
