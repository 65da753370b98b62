"""ONNX, by the package jax2onnx: for ONNX Runtime and what else reads it."""

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import jax
import jax2onnx
import numpy as np
import onnxruntime

from jtr_jax.core import errors
from jtr_jax.export.network import Exported, Network

_INPUT = "images"
_ONLY_ERRORS = 3


def write(network: Network) -> bytes:
  """Return the network, weights included, for batches of any size.

  Args:
    network: what is exported, for images of one size.

  Raises:
    ValueError: images of any size, or a layer that cannot be converted.
  """
  if network.size is None:
    raise ValueError(
      errors.message(
        "ONNX files are for images of one size",
        found="--size=any",
        expected="HEIGHTxWIDTH",
        do="Name a size, or export to --format=stablehlo.",
      )
    )

  def in_order(images: jax.Array) -> tuple[jax.Array, ...]:
    predictions = network(images)
    return tuple(predictions[name] for name in network.task_names)

  with tempfile.TemporaryDirectory() as folder, _quiet():
    path = Path(folder) / "network.onnx"
    try:
      jax2onnx.to_onnx(
        in_order,
        [("B", *network.size, 3)],
        input_names=[_INPUT],
        output_names=list(network.task_names),
        return_mode="file",
        output_path=str(path),
      )
    except Exception as error:  # the package raises many kinds
      raise ValueError(
        errors.message(
          "jax2onnx cannot convert this network",
          found=f"{type(error).__name__}: {str(error)[:300]}",
          expected="layers that it knows",
          do="Export to --format=stablehlo, which takes every network.",
        )
      ) from error
    return path.read_bytes()


def read(data: bytes) -> Exported:
  """Return the function that a file holds, run by ONNX Runtime."""
  options = onnxruntime.SessionOptions()
  options.log_severity_level = _ONLY_ERRORS
  try:
    session = onnxruntime.InferenceSession(
      data, options, providers=["CPUExecutionProvider"]
    )
  except Exception as error:  # its errors have no common base but this
    raise ValueError(
      errors.message(
        "ONNX Runtime cannot read what jax2onnx has written",
        found=str(error)[:300],
        expected="a valid file",
        do="Export to --format=stablehlo, which takes every network.",
      )
    ) from error
  names = [output.name for output in session.get_outputs()]

  def predict(images: np.ndarray) -> dict[str, np.ndarray]:
    found = session.run(names, {_INPUT: images})
    return dict(zip(names, map(np.asarray, found), strict=True))

  return predict


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
  """Keep the package's notes to itself: they are about its own insides."""
  loggers = [logging.getLogger(n) for n in ("jax2onnx", "onnx_ir")]
  levels = [logger.level for logger in loggers]
  for logger in loggers:
    logger.setLevel(logging.ERROR)
  try:
    with (
      contextlib.redirect_stdout(io.StringIO()),
      warnings.catch_warnings(),
    ):
      warnings.simplefilter("ignore")
      yield
  finally:
    for logger, level in zip(loggers, levels, strict=True):
      logger.setLevel(level)
