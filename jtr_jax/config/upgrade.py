"""Upgrades config.json files of older programs.

To rename a field, or to add one whose default is not what older programs did,
add a step for a new `VERSION`. A field that is merely missing gets its default
when the settings are resolved.
"""

from collections.abc import Mapping
from typing import Any

from jtr_jax.balancing import registry
from jtr_jax.config import own_parts
from jtr_jax.core import errors

VERSION = 3
"""Of the config in config.json: 1 had the section `stages`, and other names of
some balancers and their fields; 2 had `share` and `pair_share` in methods, and
`task_loss` "share"."""

RENAMED: Mapping[str, str] = {
  "stages.plan": "experiment.kind",
  "stages": "experiment",
}
"""Old name -> new name of sections and fields; longer names come first."""

METHOD_FIELDS: Mapping[str, str] = {
  "share": "label_weighting",
  "pair_share": "pair_weighting",
}
"""Old name -> new name of fields of built-in methods."""


def upgraded(config: Mapping[str, Any], version: int) -> dict[str, Any]:
  """Return an old config as today's program would have written it.

  Args:
    config: nested sections.
    version: of the program that wrote them.

  Raises:
    ValueError: a newer program wrote it.
  """
  if version > VERSION:
    raise ValueError(
      errors.message(
        "A newer program wrote this config.json",
        found=f"version {version}",
        expected=f"at most {VERSION}",
        do="Use that version of jtr_jax, or a newer one.",
      )
    )
  if version < 2:
    config = _from_version_1(config)
  return _from_version_2(config) if version < 3 else dict(config)


def _from_version_1(config: Mapping[str, Any]) -> dict[str, Any]:
  """Return a config with section `experiment` and new names of balancers."""
  new = dict(config)
  if "stages" in new:
    stages = dict(new.pop("stages"))
    new["experiment"] = {"kind": stages.pop("plan", "run"), **stages}
  if "balancing" in new:
    section = new["balancing"]
    parts = [part for part in ("loss", "gradient") if part in section]
    balancers = {part: registry.upgraded(section[part]) for part in parts}
    new["balancing"] = {**section, **balancers}
  return new


def _from_version_2(config: Mapping[str, Any]) -> dict[str, Any]:
  """Return a config with new names of what weights labels and pairs."""
  new = dict(config)
  if "method" in new and not own_parts.is_own(str(new["method"].get("name"))):
    fields = new["method"].items()
    new["method"] = {METHOD_FIELDS.get(name, name): v for name, v in fields}
  if new.get("balancing", {}).get("task_loss") == "share":
    new["balancing"] = {**new["balancing"], "task_loss": "term"}
  return new


def renamed(field: str) -> str | None:
  """Return today's dotted name of an old field, None if it is not old."""
  for old, new in RENAMED.items():
    if field == old or field.startswith(old + "."):
      return new + field.removeprefix(old)
  return None
