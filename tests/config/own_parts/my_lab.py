"""A user's own parts."""

import dataclasses
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtr_jax import balancing
from jtr_jax.core.fields import POSITIVE
from jtr_jax.data.datasets.raw import RawDataset, RawTask, Row
from jtr_jax.methods.supervised import supervised
from jtr_jax.methods.traits import Traits, declare
from jtr_jax.methods.variants import Variant
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.models.segnet import Head, SegNet
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.segmentation import Segmentation


def sharper(
  tasks,
  *,
  steps_per_epoch: float,
  strength: Annotated[float, POSITIVE] = 2.0,
  label_weighting: Literal["image", "sum"] = "sum",
):
  """Supervised learning whose losses count more."""
  method = supervised(tasks, label_weighting=label_weighting)
  return method._replace(losses=lambda *args: scaled(method, strength, *args))


def scaled(method, strength, *args):
  output = method.losses(*args)
  losses = {
    name: dataclasses.replace(loss, sum=strength * loss.sum)
    for name, loss in output.task_losses.items()
  }
  return output._replace(task_losses=losses)


def narrow(tasks, *, dtype: Any, width: int = 4):
  heads = tuple(Head(task.channels, dtype) for task in tasks)
  return MultiTaskNet(SegNet((width, width), dtype=dtype), heads, tasks)


def halves(num_tasks: int, *, factor: float = 0.5):
  return balancing.fixed(num_tasks, weights=(factor,) * num_tasks)


def first_alone(num_tasks: int, *, primary: int = 0, soft: bool = False):
  del primary, soft
  return balancing.pcgrad(num_tasks)


def signs(learning_rate, *, momentum: float = 0.9):
  return optax.sgd(learning_rate, momentum)


@declare(
  Traits(
    variants={
      "paper": Variant(method={"strength": 1.0}),
      "official": Variant(method={"strength": 5.0}, train={"epochs": 7}),
    },
    groups={"scales": {"learning_rate": 1e-2}},
    filters="widths",
    unlabelled={"all_images": True},
    label_warning=lambda fields, present: f"{fields['strength']} {present}",
  )
)
def with_scales(
  tasks,
  *,
  strength: Annotated[float, POSITIVE] = 2.0,
  widths: tuple[int, ...] = (4,),
  all_images: bool = False,
):
  """Supervised learning with parameters that have their own optimiser group."""
  del strength, widths, all_images
  return supervised(tasks)._replace(
    init=lambda key, size: ({"scale": jnp.ones(())}, {}),
    groups=lambda params: jax.tree.map(lambda _: "scales", params),
  )


@declare(Traits({"official": Variant()}))
def without_a_paper(tasks):
  """A method without the variant that configs take by default."""
  return supervised(tasks)


@declare(Traits({"paper": Variant(train={"epoch": 7})}))
def misspelt_variant(tasks):
  """A method whose variant names a field that there is not."""
  return supervised(tasks)


@declare(Traits(groups={"scales": {"learning_rate": -1.0}}))
def negative_rate(tasks):
  """A method whose group has a rate that cannot be used."""
  return supervised(tasks)


@declare(Traits(unlabelled={"all_image": True}))
def misspelt_field(tasks, *, all_images: bool = False):
  """A method that declares a field which it does not have."""
  return supervised(tasks)


def undeclared_group(tasks):
  """A method with an optimiser group that it has not declared."""
  return with_scales(tasks)


def strict(tasks, strength):
  return supervised(tasks)


def nothing(tasks):
  return 3


@dataclasses.dataclass(frozen=True)
class RelativeDepth(Depth):
  """Depth whose errors count in proportion to the distance."""

  nearest: Annotated[float, POSITIVE] = 0.5  # metres

  def loss(self, prediction, label):
    values = jnp.where(label.valid, label.value[..., 0], 1)
    scale = jnp.maximum(values, self.nearest)
    absolute = Depth.loss(self, prediction, label)
    return dataclasses.replace(absolute, sum=absolute.sum / jnp.mean(scale))


class Rooms(Segmentation):
  """A segmentation of the user's own."""


def scan(raw, *, brightness: Annotated[int, POSITIVE] = 100):
  """Two grey images with depth, one of them hidden."""
  image = np.full((32, 32, 3), brightness, np.uint8)
  return RawDataset(
    "greys",
    {
      "depth": RawTask(
        {"kind": "depth", "task": "my_lab:RelativeDepth"},
        lambda place: np.ones((32, 32, 1), np.float32),
      )
    },
    {"train": [Row("a", raw, {"depth": raw}), Row("b", raw, {})]},
    read_image=lambda place: image,
    image_size=lambda place: (32, 32),
  )


NUMBER = 3
