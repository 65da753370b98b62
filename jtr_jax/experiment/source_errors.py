"""Errors of settings that say where images come from."""

from jtr_jax.core import errors


def nothing_to_evaluate() -> ValueError:
  """Return the error for settings without anything to evaluate on."""
  return ValueError(
    errors.message(
      "There is nothing to evaluate on",
      found="no eval_split in any of the sources",
      expected="one at least",
      do="Set data.eval_split, or data.sources.NAME.eval_split.",
    )
  )
