"""What a trained network takes and gives: network.json.

With it a workdir is complete: who uses the network needs no data set.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jtr_jax.core import errors
from jtr_jax.workdir import text_files

_NAME = "network.json"


class NetworkFile(NamedTuple):
  """The images that a network was trained on, and the tasks that it learned.

  Attributes:
    size: (H, W) of the training images, pixels.
    fit: how images of another size were brought to it, "stretch" or "pad".
    tasks: for each task its kind and options, as manifests of data have them.
  """

  size: tuple[int, int]
  fit: str
  tasks: Mapping[str, Mapping[str, Any]]


def write(workdir: Path, content: NetworkFile) -> None:
  """Write network.json into a workdir.

  Raises:
    OSError: it cannot be written.
  """
  text = json.dumps(content._asdict(), indent=2, ensure_ascii=False)
  text_files.replace(workdir / _NAME, text + "\n")


def read(workdir: Path) -> NetworkFile | None:
  """Return network.json of a workdir, None where an older program trained.

  Raises:
    ValueError: it is damaged.
  """
  path = workdir / _NAME
  if not path.exists():
    return None
  try:
    content = json.loads(path.read_text(encoding="utf-8"))
    height, width = map(int, content["size"])
    return NetworkFile((height, width), content["fit"], dict(content["tasks"]))
  except (ValueError, KeyError, TypeError) as error:
    raise ValueError(
      errors.message(
        f"{path} is damaged",
        found=f"{type(error).__name__}: {error}",
        expected="size, fit and tasks, as training wrote them",
        do="Repeat the training command: it writes the file again.",
      )
    ) from error
