"""Rows of tables, run on small files."""

from jtr_jax.tables import __main__

SMALL = (
  "--config.model.filters=(4,4)",
  "--config.train.batch_size=2",
  "--config.evaluate.batch_size=2",
  "--config.evaluate.pictures=0",
)


def command(*words):
  """Run the command; return its exit code."""
  return __main__.main([*map(str, words)])


def run_table(name, out, data, *words):
  """Run rows of a table for two steps."""
  return command(
    "run", name, f"--out={out}", f"--data={data}", "--budget=steps=2",
    *SMALL, *words,
  )  # fmt: skip
