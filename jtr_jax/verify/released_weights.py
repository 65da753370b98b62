"""State dictionaries of the released SegNets, as parameter trees."""

from collections.abc import Iterator, Mapping

import jax.numpy as jnp
import numpy as np

from jtr_jax.models.base import Tree
from jtr_jax.models.multitask import decoder_name

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


def mapping_tree(
  arrays: Mapping[str, np.ndarray], prefix: str, task_names: tuple[str, ...]
) -> Tree:
  """Return the parameters of MTPSL's mapping network.

  Args:
    arrays: a recording.
    prefix: such as "maps" or "grad_maps".
    task_names: our names of the tasks, in order.
  """
  root = f"{prefix}/mapfns"
  params: Tree = {}
  for index, name in enumerate(task_names):
    layer = f"{root}.pred_encoder_source.{index}"
    params[f"from_{name}"] = {
      "conv0": _conv(arrays, f"{layer}.0"),
      "norm0": _norm(arrays, f"{layer}.1"),
    }
  for stage in range(STAGES):
    for index, tail in enumerate(_layers("encoder", "enc", stage)):
      layer = f"{root}.{tail}"
      params[f"stage{stage}_layer{index}"] = {
        "conv": _conv(arrays, f"{layer}.conv"),
        "norm": _norm(arrays, f"{layer}.bn"),
        "gamma": jnp.asarray(arrays[f"{layer}.gamma"].T),
        "beta": jnp.asarray(arrays[f"{layer}.beta"].T),
      }
  return params


def _trunk(
  arrays: Mapping[str, np.ndarray], prefix: str, statistics: bool
) -> tuple[Tree, Tree]:
  params: Tree = {}
  state: Tree = {}
  for side, released in (("encoder", "enc"), ("decoder", "dec")):
    for stage in range(STAGES):
      name = f"{side}{stage}"
      params[name], state[name] = {}, {}
      for index, tail in enumerate(_layers(side, released, stage)):
        layer = f"{prefix}/{tail}"
        params[name][f"conv{index}"] = _conv(arrays, f"{layer}.0")
        params[name][f"norm{index}"] = _norm(arrays, f"{layer}.1")
        if statistics:
          state[name][f"norm{index}"] = {
            "mean": jnp.asarray(arrays[f"{layer}.1.running_mean"]),
            "var": jnp.asarray(arrays[f"{layer}.1.running_var"]),
          }
  return params, state


def _layers(side: str, released: str, stage: int) -> Iterator[str]:
  """Yield the released names of a stage's convolutions, in order."""
  yield f"{side}_block.{stage}"
  block = f"conv_block_{released}.{stage}"
  yield from [block] if stage < 2 else [f"{block}.0", f"{block}.1"]


def _head(arrays: Mapping[str, np.ndarray], name: str) -> Tree:
  return {
    "conv0": _conv(arrays, f"{name}.0"),
    "conv1": _conv(arrays, f"{name}.1"),
  }


def _norm(arrays: Mapping[str, np.ndarray], name: str) -> Tree:
  return {
    "scale": jnp.asarray(arrays[f"{name}.weight"]),
    "bias": jnp.asarray(arrays[f"{name}.bias"]),
  }


def _conv(arrays: Mapping[str, np.ndarray], name: str) -> Tree:
  """Return a convolution with its kernel as [height, width, in, out]."""
  kernel = np.transpose(arrays[f"{name}.weight"], (2, 3, 1, 0))
  return {
    "kernel": jnp.asarray(kernel),
    "bias": jnp.asarray(arrays[f"{name}.bias"]),
  }
