"""Whether the data of a run is still that which it began with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from absl import logging

from jtr_jax.core import errors
from jtr_jax.workdir import config_file


def check(
  workdir: str | Path,
  data: Mapping[str, Any],
  *,
  allow_config_change: bool = False,
) -> None:
  """Check that the data of a run is that which it began with.

  Args:
    workdir: the folder of the run; where there is none yet, all is well.
    data: what identifies the images and labels, nested.
    allow_config_change: accept other data, with a warning.

  Raises:
    ValueError: it differs; the text lists how.
  """
  before = config_file.data_of(workdir)
  if before is None:
    return
  found = config_file.differences(before, json.loads(json.dumps(data)))
  if found and not allow_config_change:
    raise ValueError(
      errors.message(
        f"The data has changed since the run in {workdir} began",
        found="; ".join(
          f"{name} {old} then, {new} now" for name, (old, new) in found.items()
        ),
        expected="the images and labels that the run began with",
        do="Restore them, or choose another --workdir. With "
        "--allow_config_change a training goes on with what is there now.",
      )
    )
  for name, (old, new) in found.items():
    logging.warning("Data changed: %s: %s -> %s", name, old, new)
