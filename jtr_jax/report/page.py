"""The page of a report: one file, without network, light and dark."""

from collections.abc import Sequence
from html import escape
from importlib import resources

from jtr_jax.report import pictures, runs, sections, tables
from jtr_jax.report.runs import Run

MARK = "<!-- jtr_jax report -->"
"""Begins a page, so that no other file is overwritten."""


def page(found: Sequence[Run], *, refresh: int = 0) -> str:
  """Return the page of some runs.

  Args:
    found: the runs.
    refresh: seconds after which a browser reads the page again; 0 never does.
  """
  groups = runs.grouped(found)
  parts = {"Runs": tables.overview(found)}
  if groups:
    parts["Results"] = tables.results(groups) + _note(
      "Of the last step: mean and standard deviation over the runs that differ "
      "in the seed alone, whose number is in brackets."
    )
  if len(groups) > 1 and (paired := tables.paired(groups)):
    parts["Paired differences"] = paired + _note(
      "Seed by seed, against the first group: mean and its standard error, "
      "coloured where it is more than two of them."
    )
  for name, charts in sections.charts(found).items():
    parts[name] = f'<div class="charts">{"".join(charts)}</div>'
  if shown := pictures.section(found):
    parts["Pictures"] = shown
  if differing := tables.configs(found):
    parts["Differences of the configs"] = differing
  return _html(parts, len(found), refresh)


def _html(parts: dict[str, str], count: int, refresh: int) -> str:
  style = _file("style.css")
  script = _file("script.js")
  again = f'<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
  keys = {name: name.lower().replace(" ", "-") for name in parts}
  links = "".join(
    f'<a href="#{key}">{escape(name)}</a>' for name, key in keys.items()
  )
  body = "".join(
    f'<section id="{keys[name]}"><h2>{escape(name)}</h2>{part}</section>'
    for name, part in parts.items()
  )
  title = f"{count} run{'s' if count != 1 else ''}"
  return (
    f'<!doctype html>\n{MARK}\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    f'<meta name="color-scheme" content="light dark">{again}'
    f"<title>jtr_jax: {title}</title><style>{style}</style></head><body>"
    f"<header><h1>{title}</h1><nav>{links}</nav></header>"
    f"<main>{body}</main><script>{script}</script></body></html>\n"
  )


def _note(text: str) -> str:
  return f'<p class="note">{escape(text)}</p>'


def _file(name: str) -> str:
  """Return a file that lies beside this one."""
  return (resources.files("jtr_jax.report") / name).read_text(encoding="utf-8")
