"""The model card: what a network is, how well it does, how it is used."""

import json
from collections.abc import Sequence

import jtr_jax
from jtr_jax.config.trained import Trained
from jtr_jax.tasks.base import Task
from jtr_jax.workdir import result_card
from jtr_jax.workdir.result_card import ResultCard

PICTURE = "predictions.png"

_PIPELINES = {
  "segmentation": "image-segmentation",
  "depth": "depth-estimation",
  "classification": "image-classification",
}
"""Kind of a task -> its name on the hub."""


def to_markdown(
  trained: Trained,
  card: ResultCard | None,
  *,
  name: str,
  licence: str,
  has_picture: bool = False,
) -> str:
  """Return README.md, with the front matter that the hub reads.

  Args:
    trained: the network.
    card: of its run; None while it is training.
    name: title.
    licence: of the weights; "" says none.
    has_picture: whether `PICTURE` lies beside it.
  """
  method = trained.settings.method.name
  height, width = trained.about.size
  names = ", ".join(task.name for task in trained.tasks)
  lines = [
    *_front_matter(trained, licence),
    f"# {name}",
    "",
    f"One network for {names}, trained with `{method}` by "
    f"jtr_jax {jtr_jax.__version__} on "
    f"images of {height}x{width} pixels; step {trained.step}.",
    "",
    *([f"![Predictions]({PICTURE})", ""] if has_picture else []),
    *_usage(trained.tasks),
    "## Tasks",
    "",
    *_tasks(trained.tasks),
    "",
    "## Results",
    "",
    *(_results(card) if card else ["The run is not finished.", ""]),
    "## Limits",
    "",
    "The network knows images like those of its training data. "
    "`config.json` has every setting of the run, `network.json` its tasks.",
  ]
  return "\n".join(lines) + "\n"


def _front_matter(trained: Trained, licence: str) -> list[str]:
  kinds = list(dict.fromkeys(task.kind for task in trained.tasks))
  tags = ["jax", "flax", "multi-task-learning", "dense-prediction", *kinds]
  pipeline = [_PIPELINES[kind] for kind in kinds if kind in _PIPELINES]
  return [
    "---",
    "library_name: jtr_jax",
    *([f"license: {json.dumps(licence)}"] if licence else []),
    *([f"pipeline_tag: {pipeline[0]}"] if pipeline else []),
    "tags:",
    *(f"- {json.dumps(tag)}" for tag in tags),
    "---",
    "",
  ]


def _usage(tasks: Sequence[Task]) -> list[str]:
  return [
    "```python",
    "import numpy as np",
    "from PIL import Image",
    "",
    "import jtr_jax  # pip install 'jtr_jax[program]'",
    "",
    'model = jtr_jax.load(".")  # this folder',
    'image = np.asarray(Image.open("photo.jpg").convert("RGB"))',
    f'value = model.predict(image)["{tasks[0].name}"]',
    "```",
    "",
  ]


def _tasks(tasks: Sequence[Task]) -> list[str]:
  rows = ["| task | kind | output | |", "|---|---|---|---|"]
  for task in tasks:
    unit = getattr(task, "unit", "")
    names = ", ".join(getattr(task, "class_names", ()))
    size = "x".join(map(str, task.grid)) if task.grid else "H x W"
    output = f"{size} x {task.channels}" + (f" {unit}" if unit else "")
    rows.append(f"| {task.name} | {task.kind} | {output} | {names} |")
  return rows


def _results(card: ResultCard) -> list[str]:
  """Return the result card without its title."""
  text = result_card.to_markdown(card).split("\n", maxsplit=1)[1]
  return [*text.strip().split("\n"), ""]
