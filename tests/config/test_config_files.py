import pytest

from jtr_jax.config import config_files


@pytest.mark.parametrize(
  ("text", "error"),
  [
    ("def get_config(arg)\n  pass\n", r"SyntaxError in line 1: def get_config"),
    ("import nothing_like_it\n", "ModuleNotFoundError in line 1: import noth"),
    ("x = 3\n", "no function get_config"),
    (
      "def get_config(arg):\n  x = 1\n  return x / 0\n",
      "ZeroDivisionError in line 3: return x / 0",
    ),
    ("def get_config(arg):\n  return 3\n", "get_config returns a int"),
    (
      "def get_config(arg):\n  raise ValueError('too old')\n",
      r"ValueError in line 2: raise ValueError.*too old",
    ),
    (
      "from jtr_jax.config import presets as cl\n"
      "def get_config(arg):\n"
      "  return cl.base(1)\n",
      r"TypeError in line 3: return cl\.base",
    ),
  ],
)
def test_the_line_of_a_broken_file_is_named(text, error, tmp_path):
  path = tmp_path / "mine.py"
  path.write_text(text)
  with pytest.raises(ValueError, match=error) as caught:
    config_files.load(str(path))
  assert f"The config file {path} cannot be used" in str(caught.value)


def test_places_without_a_file_are_named(tmp_path):
  with pytest.raises(ValueError, match="no such file"):
    config_files.load(str(tmp_path / "none.py"))
  with pytest.raises(ValueError, match="a folder"):
    config_files.load(str(tmp_path))


def test_what_the_vocabulary_says_stays_one_line(tmp_path):
  path = tmp_path / "mine.py"
  path.write_text(
    "from jtr_jax.config import presets as cl\n"
    "def get_config(arg):\n"
    "  return cl.rooms(**cl.parse_arg(arg, **cl.ROOMS_ARGUMENTS))\n"
  )
  with pytest.raises(ValueError, match="Unknown config argument") as caught:
    config_files.load(str(path), "foo=1")
  assert "cannot be used" not in str(caught.value)
