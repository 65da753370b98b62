"""Against the state dictionaries in the recorded steps of both programs."""

import chex
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.models import published
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.models.segnet import Head, SegNet
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.segmentation import Segmentation
from jtr_jax.verify import released_weights
from tests import GOLDEN

FILES = {
  "jtr.segnet": "jtr_nyuv2_step.npz",
  "mtpsl.segnet": "mtpsl_nyuv2_step.npz",
}
TASKS = (Segmentation("segmentation", 13), Depth("depth"), Normals("normals"))
NAMES = tuple(task.name for task in TASKS)


@pytest.fixture(scope="module", params=FILES)
def recorded(request):
  with np.load(GOLDEN / FILES[request.param]) as arrays:
    model = {name: arrays[name] for name in arrays if name.startswith("model/")}
  return request.param, model


def tensors_of(model):
  return {name.removeprefix("model/"): array for name, array in model.items()}


def test_every_tensor_comes_back(recorded):
  name, model = recorded
  tensors = tensors_of(model)
  assert published.guess(tuple(tensors)) == (name,)
  variables = published.load(name, tensors, dtype=np.float64)
  exported = published.export(name, variables)
  assert exported.keys() == tensors.keys()
  for key, array in tensors.items():
    np.testing.assert_array_equal(exported[key], array)


def test_parameters_are_where_the_network_has_them(recorded):
  name, model = recorded
  variables = published.load(name, tensors_of(model), dtype=np.float64)
  params, state = released_weights.model_trees(model, "model", NAMES)
  top = variables["params"]["top"]
  found = {"encoder": variables["params"]["backbone"]}
  for index, task in enumerate(NAMES, start=1):
    found[f"decoder_{task}"] = top[f"task{index}"]
  chex.assert_trees_all_equal(found, params)
  chex.assert_trees_all_equal(
    variables["batch_stats"]["backbone"], state["encoder"]
  )


def test_heads_are_those_of_the_network(recorded):
  name, model = recorded
  tensors = tensors_of(model)
  shapes = {key: array.shape for key, array in tensors.items()}
  network = published.find(name, shapes)
  variables = published.load(name, tensors)
  images = jnp.linspace(0, 1, 32 * 64 * 3).reshape(1, 32, 64, 3)
  found = network(variables, images)
  filters = network.module.filters
  net = MultiTaskNet(
    SegNet(filters), tuple(Head(task.channels) for task in TASKS), TASKS
  )
  params, state = released_weights.model_trees(model, "model", NAMES)
  expected, _ = net.predict(params, state, images, train=False)
  for index, task in enumerate(TASKS, start=1):
    np.testing.assert_allclose(
      task.activate(found[f"pred_task{index}"]),
      expected[task.name],
      rtol=1e-5,
      atol=1e-6,
    )


def test_unused_tensors_of_cityscapes_are_named(recorded):
  _, model = recorded
  tensors = tensors_of(model) | {
    "logsigma_dist": np.zeros(6),
    "con_tasks.encoder_block.0.0.bias": np.zeros(4),
  }
  tensors.pop("logsigma", None)
  name = "mtpsl.segnet_cityscapes"
  with pytest.raises(ValueError, match=r"con_tasks.* left over"):
    published.load(name, tensors)
  published.load(name, tensors, ignore=["con_tasks.*"])
