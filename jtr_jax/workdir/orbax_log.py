"""Keeps what Orbax logs out of the terminal; its tracebacks go to a file."""

import logging
import os
import tempfile
from pathlib import Path

from absl import logging as absl_logging


def path() -> Path:
  """Return the file that takes the tracebacks of this process."""
  return Path(tempfile.gettempdir()) / f"jtr_jax_checkpoints_{os.getpid()}.log"


def keep_quiet() -> None:
  """Let only warnings of Orbax through to the terminal; twice does no harm.

  It logs a dozen lines for each save. Its errors come back as exceptions, whose
  message says what to do, so their tracebacks are only kept.
  """
  absl_logging.get_absl_logger().addFilter(_passes)


def _passes(record: logging.LogRecord) -> bool:
  if "orbax" not in record.pathname:
    return True
  if record.levelno < logging.WARNING:
    return False
  if record.levelno < logging.ERROR and not record.exc_info:
    return True
  try:
    with path().open("a", encoding="utf-8") as file:
      file.write(logging.Formatter().format(record) + "\n")
  except OSError:  # the disk is full here, too
    return False
  return False
