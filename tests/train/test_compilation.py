import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from jtr_jax.train.compilation import enable_compilation_cache


@pytest.fixture(autouse=True)
def _unchanged_setting():
  before = jax.config.jax_compilation_cache_dir
  yield
  jax.config.update("jax_compilation_cache_dir", before)


def test_environment_then_argument_then_default(monkeypatch, tmp_path):
  variable = "JAX_COMPILATION_CACHE_DIR"
  monkeypatch.setenv(variable, str(tmp_path / "env"))
  assert enable_compilation_cache(tmp_path / "arg") == tmp_path / "env"
  monkeypatch.delenv(variable)
  assert enable_compilation_cache(tmp_path / "arg") == tmp_path / "arg"
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
  assert enable_compilation_cache() == tmp_path / "jtr_jax" / "xla"
  monkeypatch.delenv("XDG_CACHE_HOME")
  assert enable_compilation_cache() == Path.home() / ".cache/jtr_jax/xla"
  assert jax.config.jax_compilation_cache_dir == str(
    Path.home() / ".cache/jtr_jax/xla"
  )


_PROGRAM = """
import sys, jax, jax.numpy as jnp
from jtr_jax.train.compilation import enable_compilation_cache
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
enable_compilation_cache(sys.argv[1])
jax.jit(lambda x: jnp.sin(x) @ x)(jnp.ones((8, 8)))
"""


def test_programs_are_kept(tmp_path):
  environment = dict(os.environ, JAX_PLATFORMS="cpu")
  environment.pop("JAX_COMPILATION_CACHE_DIR", None)
  subprocess.run(
    [sys.executable, "-c", _PROGRAM, str(tmp_path / "cache")],
    check=True,
    env=environment,
  )
  assert any((tmp_path / "cache").iterdir())
