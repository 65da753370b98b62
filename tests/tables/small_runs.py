"""Rows of tables, run on small files."""

from jtr_jax.tables import __main__

SEGNET = ("--config.model.filters=(4,4)",)
RESNET = (
  "--config.model.width_factor=0.05",
  "--config.model.depth_factor=0.1",
  "--config.model.head_width=4",
)
SMALL = (
  "--config.train.batch_size=2",
  "--config.evaluate.batch_size=2",
  "--config.evaluate.pictures=0",
)


def command(*words):
  """Run the command; return its exit code."""
  return __main__.main([*map(str, words)])


def run_table(name, out, data, *words, network=SEGNET):
  """Run rows of a table for two steps."""
  return command(
    "run", name, f"--out={out}", f"--data={data}", "--budget=steps=2",
    *SMALL, *network, *words,
  )  # fmt: skip
