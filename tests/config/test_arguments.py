import pytest

from jtr_jax.config import presets


def test_parse_arg_takes_types_from_the_defaults():
  args = presets.parse_arg(
    "depth,rate=0.5,size=96x128,tasks=depth+normals,fast,path=a=b,none=",
    name="x",
    rate=1.0,
    size=(0, 0),
    tasks=(),
    fast=False,
    path="",
    count=3,
    none=("x",),
  )
  assert args == {
    "name": "depth",
    "rate": 0.5,
    "size": (96, 128),
    "tasks": ("depth", "normals"),
    "fast": True,
    "path": "a=b",
    "count": 3,
    "none": (),
  }


def test_parse_arg_of_nothing_is_the_defaults():
  assert presets.parse_arg("", a=1, b="x") == {"a": 1, "b": "x"}


@pytest.mark.parametrize(
  ("arg", "error"),
  [
    ("scenari=full", "Did you mean 'scenario'"),
    ("full,onelabel", "Unknown config argument.*'onelabel'"),
    ("full,scenario=full", "'scenario'.*two values"),
    ("tasks=depth,normals", r"'depth,normals'.*Expected: depth\+normals"),
    ("max_steps=3", "Did you mean 'steps'"),
    ("seed=one", "'seed'.*'one'.*int"),
    ("fast=yes", "'fast'.*true or false"),
    ("size=96", "'size'.*height and width"),
    ("size=96xa", "'size'.*'a'"),
  ],
)
def test_parse_arg_refuses(arg, error):
  with pytest.raises(ValueError, match=error):
    presets.parse_arg(
      arg, scenario="", seed=0, fast=False, size=(0, 0), tasks=(), steps=0
    )
