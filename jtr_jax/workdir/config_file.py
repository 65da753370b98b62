"""The folder of a run, and the config that may resume in it."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from absl import logging

from jtr_jax.core import errors, places
from jtr_jax.workdir import provenance, text_files

_NAME = "config.json"
_PROGRAM = "jtr_jax"
_HARMLESS = {".tmp", ".txt", ".log", ".out", ".err", ".lock"}
_ABSENT = "(absent)"


class StoredConfig(NamedTuple):
  """What config.json says of a run.

  Attributes:
    config: the resolved config, nested; lists where it had tuples.
    version: of its form; 1 for programs that did not say one.
  """

  config: dict[str, Any]
  version: int


Upgrade: TypeAlias = Callable[[Mapping[str, Any], int], Mapping[str, Any]]
"""(config, version) -> the config as today's program would write it."""


def check_workdir(
  workdir: str | Path,
  config: Mapping[str, Any],
  *,
  upgrade: Upgrade = lambda config, version: config,
  may_differ: tuple[str, ...] = ("log", "checkpoint"),
  may_grow: tuple[str, ...] = ("train.steps",),
  allow_config_change: bool = False,
) -> bool:
  """Check that a run may start, or resume, in a folder; write nothing.

  Args:
    workdir: the folder.
    config: the resolved config; nested, with values that JSON can hold.
    upgrade: of what older programs wrote.
    may_differ: dotted names of fields, or of whole sections, that change
      nothing in what is trained.
    may_grow: dotted names of numbers that may be larger than before.
    allow_config_change: accept every difference, with a warning.

  Returns:
    True if the folder holds an earlier part of this run.

  Raises:
    ValueError: the folder is of another program or another config; the text
      lists every difference.
  """
  path = places.place(workdir) / _NAME
  stored = _read(path)
  if stored is None:
    return False
  refused = {
    name: change
    for name, change in differences(
      _plain(upgrade(*_config_of(stored))), _plain(config)
    ).items()
    if not _is_within(name, may_differ)
    and not (name in may_grow and _grows(*change))
  }
  if refused and not allow_config_change:
    raise _other_config(path, refused)
  for name, (before, now) in refused.items():
    logging.warning("Config changed: %s: %s -> %s", name, before, now)
  _warn_of_versions(stored["versions"])
  return True


def write_config(
  workdir: str | Path,
  config: Mapping[str, Any],
  *,
  version: int = 1,
  data: Mapping[str, Any] | None = None,
) -> None:
  """Make the folder of a run and write its config.

  That is config.json: the resolved config, versions and git revision.

  Args:
    workdir: the folder.
    config: the resolved config.
    version: of the config's form.
    data: what identifies the images and labels, see `data_change`.

  Raises:
    OSError: it cannot be written.
  """
  path = places.place(workdir) / _NAME
  with text_files.clear_errors(path):
    path.parent.mkdir(parents=True, exist_ok=True)
  text_files.replace(path, _text(_plain(config), version, data))


def data_of(workdir: str | Path) -> dict[str, Any] | None:
  """Return what identifies the data of a run; None if older programs ran it."""
  stored = _read(Path(workdir) / _NAME)
  data = stored.get("data") if stored else None
  return data if isinstance(data, dict) else None


def read_config(workdir: str | Path) -> StoredConfig:
  """Return the config of the run in a folder, as it was written.

  Args:
    workdir: the folder.

  Raises:
    ValueError: there is no run in it.
  """
  stored = _read(places.place(workdir) / _NAME)
  if stored is None:
    raise ValueError(
      errors.message(
        "There is no run in this workdir",
        found=f"no {_NAME} in {workdir}",
        expected="a folder that jtr_jax has trained in",
        do="Train there first, or correct the path.",
      )
    )
  return _config_of(stored)


def revision(workdir: str | Path) -> str:
  """Return the revision of the code that began the run; "" if unknown."""
  stored = _read(places.place(workdir) / _NAME)
  return str(stored.get("git_revision") or "") if stored else ""


def holds(
  workdir: str | Path,
  config: Mapping[str, Any],
  *,
  upgrade: Upgrade = lambda config, version: config,
) -> bool:
  """Return whether the run in a folder has just this config."""
  stored = _read(places.place(workdir) / _NAME)
  if stored is None:
    return False
  before = _plain(upgrade(*_config_of(stored)))
  return not differences(before, _plain(config))


def differences(
  before: Mapping[str, Any], now: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
  """Return where two nested configs differ.

  Args:
    before: a config.
    now: another one.

  Returns:
    Dotted name -> (value before, value now), "(absent)" where there is none.
  """
  old, new = dict(flatten(before)), dict(flatten(now))
  return {
    name: (old.get(name, _ABSENT), new.get(name, _ABSENT))
    for name in sorted(old.keys() | new.keys())
    if old.get(name, _ABSENT) != new.get(name, _ABSENT)
  }


def flatten(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
  """Yield dotted names and values of a nested config."""
  if not isinstance(config, Mapping) or (prefix and not config):
    yield prefix, config
    return
  for name, value in config.items():
    yield from flatten(value, f"{prefix}.{name}" if prefix else str(name))


def _is_within(name: str, sections: tuple[str, ...]) -> bool:
  return any(name == s or name.startswith(s + ".") for s in sections)


def _grows(before: Any, now: Any) -> bool:
  return all(isinstance(v, int | float) for v in (before, now)) and now > before


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
  """Return the config as JSON gives it back."""
  plain: dict[str, Any] = json.loads(json.dumps(config))
  return plain


def _config_of(stored: Mapping[str, Any]) -> StoredConfig:
  return StoredConfig(stored["config"], stored.get("config_version", 1))


def _text(
  config: Mapping[str, Any], version: int, data: Mapping[str, Any] | None
) -> str:
  content = {
    "program": _PROGRAM,
    "config_version": version,
    "config": config,
    **({"data": data} if data is not None else {}),
    "versions": provenance.versions(),
    "git_revision": provenance.git_revision(),
  }
  return json.dumps(content, indent=2) + "\n"


def _read(path: Path) -> dict[str, Any] | None:
  """Return what config.json holds, None in a folder that is empty or absent."""
  if path.parent.exists() and not path.parent.is_dir():
    raise _not_ours(path, "a file")
  if not path.exists():
    present = _names(path.parent)
    if present:
      raise _not_ours(path, f"no {_NAME} beside {', '.join(present[:5])}")
    return None
  if not path.is_file():
    raise _not_ours(path, f"a {_NAME} that is no file")
  try:
    stored = json.loads(path.read_text(encoding="utf-8"))
  except ValueError as error:
    raise _damaged(path, str(error)) from error
  if not isinstance(stored, dict) or stored.get("program") != _PROGRAM:
    raise _not_ours(path, f"a {_NAME} of another program")
  version = stored.setdefault("config_version", 1)
  if type(version) is not int or version < 1:
    raise _damaged(path, f"config_version {version!r}")
  for key in ("config", "versions"):
    if not isinstance(stored.get(key), dict):
      raise _damaged(path, f"no section {key!r}")
  return stored


def _names(folder: Path) -> list[str]:
  """Return the files of a folder other than logs and interrupted starts."""
  if not folder.exists():
    return []
  return sorted(p.name for p in folder.iterdir() if p.suffix not in _HARMLESS)


def _not_ours(path: Path, found: str) -> ValueError:
  return ValueError(
    errors.message(
      f"The workdir {path.parent} is not one of {_PROGRAM}",
      found=found,
      expected="an empty folder, or one of an earlier run",
      do="Choose another --workdir.",
    )
  )


def _damaged(path: Path, found: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is damaged",
      found=found,
      expected="the file as jtr_jax wrote it",
      do="Restore it from a copy, or choose another --workdir and train anew.",
    )
  )


def _other_config(
  path: Path, refused: Mapping[str, tuple[Any, Any]]
) -> ValueError:
  lines = [
    f"\n  {name}: {json.dumps(before)} in the workdir, {json.dumps(now)} now"
    for name, (before, now) in refused.items()
  ]
  return ValueError(
    errors.message(
      f"The workdir {path.parent} belongs to a run with another config",
      found=f"{len(refused)} different field(s){''.join(lines)}\n",
      expected="the config that the run was started with",
      do="Choose another --workdir for a new run, or the old values to resume; "
      "--allow_config_change continues with the new ones.",
    )
  )


def _warn_of_versions(stored: Mapping[str, str]) -> None:
  for name, (before, now) in differences(stored, provenance.versions()).items():
    logging.warning(
      "This run was started with %s %s and continues with %s: "
      "its numbers may differ in the last digits.",
      name,
      before,
      now,
    )
