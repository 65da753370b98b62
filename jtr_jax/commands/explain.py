"""What a field of a config is, from the signature and docstring it is in."""

import difflib
import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jtr_jax.commands.listing import summary
from jtr_jax.config import layout, registry, schema
from jtr_jax.config.schema import Field
from jtr_jax.config.settings import Settings
from jtr_jax.core import errors

_WIDTH = 76


class Known(NamedTuple):
  """A field somewhere in a config.

  Attributes:
    name: dotted.
    part: the part that has it, such as "jtr"; "" for a field of every config.
    field: what it may be.
  """

  name: str
  part: str
  field: Field


def explain(word: str) -> str:
  """Return what a field, a section or a part is.

  Args:
    word: a dotted field such as "train.batch_size", "--config." may stand
      before it; a section such as "train"; or a part such as "jtr".

  Raises:
    ValueError: there is no such thing, naming the nearest.
  """
  name = word.removeprefix("--").removeprefix("config.").partition("=")[0]
  known = list(fields())
  exact = _same_together([own for own in known if own.name == name])
  if exact:
    return "\n".join(map(_in_full, exact))
  inside = [own for own in known if own.name.startswith(name + ".")]
  of_part = [own for own in known if own.part == name]
  if inside or of_part or name in _parts():
    lines = [_in_short(own) for own in of_part or inside]
    head = _parts().get(name, "")
    return "\n".join([*([head] if head else []), *lines]) + "\n"
  near = difflib.get_close_matches(name, names(), n=3, cutoff=0.4)
  raise ValueError(
    errors.message(
      "There is no such field, section or part",
      found=repr(name),
      expected="such as " + ", ".join(near or layout.SECTIONS),
      do="jtr-jax list methods, and jtr-jax explain SECTION, name them.",
    )
  )


def names() -> list[str]:
  """Return what `explain` knows, for completion."""
  known = [own.name for own in fields()]
  return list(dict.fromkeys([*known, *layout.SECTIONS, *_parts()]))


def fields() -> Iterator[Known]:
  """Yield every field that a config may have."""
  for name, field in schema.fields_of(Settings).items():
    yield Known(name, "", field)
  for section, kind in layout.SECTIONS.items():
    for name, field in schema.fields_of(kind).items():
      yield Known(f"{section}.{name}", "", field)
  for section, table in _TABLES.items():
    for part, entry in table.items():
      for name, field in entry.fields.items():
        yield Known(f"{section}.{name}", part, field)
      for name, field in entry.group_fields.items():
        yield Known(f"optimizer.{name}", part, field)


_TABLES = {
  "model": registry.MODELS,
  "method": registry.METHODS,
  "optimizer": registry.OPTIMIZERS,
  "balancing.loss": registry.LOSS_BALANCERS,
  "balancing.gradient": registry.GRADIENT_BALANCERS,
}


def _parts() -> dict[str, str]:
  """Return the names of all parts, and what they are."""
  return {
    name: f"{section}.name={name}: {summary(entry.build)}"
    for section, table in _TABLES.items()
    for name, entry in table.items()
  }


def _same_together(found: Sequence[Known]) -> list[Known]:
  """Return fields that several parts have in common once, with all names."""
  parts: dict[Known, list[str]] = {}
  for own in found:
    parts.setdefault(own._replace(part=""), []).append(own.part)
  return [own._replace(part=", ".join(p)) for own, p in parts.items()]


def _in_full(own: Known) -> str:
  """Return all that is known of a field."""
  where = f" (with {own.part})" if own.part else ""
  lines = [f"config.{own.name}{where}"]
  about = own.field.about or "no more is said of it"
  text = about[0].upper() + about[1:] + "."
  lines += [f"  {line}" for line in textwrap.wrap(text, _WIDTH)]
  lines.append(f"  value: {schema.describe(own.field)}")
  lines.append(f"  default: {own.field.default!r}")
  if own.field.source:
    lines.append(f"  from: {own.field.source}")
  lines.append(f"  set it: --config.{own.name}=VALUE")
  return "\n".join(lines) + "\n"


def _in_short(own: Known) -> str:
  text = f"  {own.name} = {own.field.default!r}"
  where = f" [{own.part}]" if own.part else ""
  about = f": {own.field.about}" if own.field.about else ""
  return textwrap.shorten(f"{text[2:]}{where}{about}", 160, placeholder=" ...")
