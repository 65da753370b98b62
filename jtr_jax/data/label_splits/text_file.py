"""Label splits as text: one line for each sample id with the tasks it keeps.

```
# jtr_jax label split
# scenario: randomlabels
# seed: 0
# tasks: segmentation depth normals
# images: 795
id<TAB>labels
0<TAB>segmentation depth
1<TAB>-
```
"""

import os
import pathlib
from collections.abc import Iterator
from typing import NoReturn

import numpy as np

from jtr_jax.core import errors, places
from jtr_jax.data.label_splits.scenarios import LabelSplit

_TITLE = "# jtr_jax label split"
_COLUMNS = "id\tlabels"
_NO_LABEL = "-"


def save_split(path: str | os.PathLike[str], split: LabelSplit) -> None:
  """Write a split as text; an existing file is replaced as a whole.

  Args:
    path: the file to write.
    split: the split to write.

  Raises:
    ValueError: an id, a task or a remark cannot stand in such a file.
  """
  _require_writable(split)
  lines = [_TITLE]
  lines += [f"# {key}: {value}" for key, value in split.about.items()]
  lines += [f"# tasks: {' '.join(split.tasks)}", f"# images: {len(split.ids)}"]
  lines.append(_COLUMNS)
  for sample, row in zip(split.ids, split.labelled, strict=True):
    kept = [task for task, keeps in zip(split.tasks, row, strict=True) if keeps]
    lines.append(f"{sample}\t{' '.join(kept) or _NO_LABEL}")
  path = places.place(path)
  if places.is_stored(path):
    path.write_bytes("\n".join([*lines, ""]).encode())
    return
  draft = path.with_name(path.name + ".part")
  draft.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
  draft.replace(path)


def load_split(path: str | os.PathLike[str]) -> LabelSplit:
  """Read a split that `save_split` wrote, or that was written by hand.

  Args:
    path: the file to read.

  Returns:
    The split, in the order of the file.

  Raises:
    ValueError: the file has another form; names the file and the line.
  """
  path = places.place(path)
  try:
    text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
  except UnicodeDecodeError as error:
    _refuse(path, 1, f"bytes that are not text ({error.reason})", "UTF-8 text")
  body, end, rest = text.rpartition("\n")
  if rest or not end:  # a shortened last line could have lost labels
    _refuse(path, text.count("\n") + 1, "no line end", "a complete last line")
  lines = iter(enumerate(body.rstrip("\n").split("\n"), start=1))
  about = _read_header(path, lines)
  tasks = tuple(about.pop("tasks", "").split())
  count = about.pop("images", "")
  ids, rows = [], []
  for number, line in lines:
    sample, tab, labels = line.partition("\t")
    if not sample or not tab:
      _refuse(path, number, repr(line), "an id, a tab, and the tasks it keeps")
    kept = set() if labels == _NO_LABEL else set(labels.split())
    if not kept <= set(tasks) or not labels:
      _refuse(
        path,
        number,
        f"the labels {labels!r}",
        f"some of {' '.join(tasks)}, or {_NO_LABEL} for an unlabelled image",
      )
    ids.append(sample)
    rows.append([task in kept for task in tasks])
  if count != str(len(ids)):
    expected = f"{count or 'a line # images: with the number'} of images"
    _refuse(path, len(ids), f"{len(ids)} images", expected)
  labelled = np.array(rows, np.bool_).reshape(len(ids), len(tasks))
  try:
    return LabelSplit(tuple(ids), tasks, labelled, about)
  except ValueError as error:
    raise ValueError(f"{path}: {error}") from error


def _read_header(
  path: pathlib.Path, lines: Iterator[tuple[int, str]]
) -> dict[str, str]:
  """Return the remarks ahead of the column names, and pass these."""
  about: dict[str, str] = {}
  for number, line in lines:
    if line == _COLUMNS:
      return about
    if not line.startswith("#") or (number == 1 and line != _TITLE):
      expected = _TITLE if number == 1 else f"a remark or {_COLUMNS!r}"
      _refuse(path, number, repr(line), expected)
    key, colon, value = line.removeprefix("#").strip().partition(": ")
    if colon:
      about[key] = value
  return _refuse(path, 1, "no table", f"a line {_COLUMNS!r}")


def _refuse(
  path: pathlib.Path, line: int, found: str, expected: str
) -> NoReturn:
  raise ValueError(
    errors.message(
      f"{path}, line {line}: this is not a complete label split",
      found=found[:200],
      expected=expected,
      do="Write it again: python -m jtr_jax.data split make, or split import "
      "for a released .pth or .npy file.",
    )
  )


def _require_writable(split: LabelSplit) -> None:
  """Raise a `ValueError` for names that a line of text cannot hold."""
  remarks = [f"{key}: {value}" for key, value in split.about.items()]
  broken = [name for name in (*split.ids, *remarks) if not _fits(name, "\t")]
  broken += [task for task in split.tasks if not _fits(task, " \t")]
  if broken or _NO_LABEL in split.tasks:
    raise ValueError(
      errors.message(
        "A name cannot be written to a label split",
        found=repr([*broken, _NO_LABEL][0]),
        expected=f"ids without tabs, tasks without spaces and not {_NO_LABEL}, "
        "no line breaks, nothing empty",
        do="Rename it.",
      )
    )


def _fits(name: str, forbidden: str) -> bool:
  return bool(name.strip()) and not set(name) & set(forbidden + "\r\n")
