"""Compiled programs are kept on disk, so that a restart begins at once."""

import os
from pathlib import Path

import jax

_VARIABLE = "JAX_COMPILATION_CACHE_DIR"


def enable_compilation_cache(directory: str | Path | None = None) -> Path:
  """Cache compiled programs in a folder; call before the first compilation.

  The environment variable JAX_COMPILATION_CACHE_DIR has precedence.

  Args:
    directory: the folder, `~/.cache/jtr_jax/xla` if None; made when needed.

  Returns:
    The folder in use.
  """
  chosen = os.environ.get(_VARIABLE) or directory or _default()
  path = Path(chosen).expanduser()
  jax.config.update("jax_compilation_cache_dir", str(path))
  return path


def _default() -> Path:
  base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
  return Path(base) / "jtr_jax" / "xla"
