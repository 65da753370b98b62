"""A store in memory: what `gs://` is for the parts that know whole objects."""

import contextlib
from typing import ClassVar

import pytest
from etils.epath import backend
from fsspec.implementations.memory import MemoryFileSystem

from jtr_jax.core import places


class Objects(MemoryFileSystem):
  """Refuses what a bucket cannot do."""

  protocol = ("gs", "gcs")
  store: ClassVar = {}
  pseudo_dirs: ClassVar = [""]

  def _open(self, path, mode="rb", **options):
    assert mode in ("rb", "wb"), f"objects cannot be opened for {mode}"
    return super()._open(path, mode, **options)

  def mv(self, *_, **__):
    raise AssertionError("objects cannot be renamed")


@contextlib.contextmanager
def store():
  """Let gs:// be an empty store."""
  Objects.store.clear()
  system = Objects()
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(backend.fsspec_backend, "fs", lambda path: system)
    patch.setattr(places.importlib, "import_module", lambda name: None)
    yield
