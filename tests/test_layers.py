"""The house: who may import whom, and how large a file may grow."""

import ast
import importlib
import itertools
import subprocess
import sys

import pytest

from tests import ROOT

FILES = sorted((ROOT / "jtr_jax").rglob("*.py"))

# From the ground up. What stands on one floor may not import its neighbours,
# except within a package.
FLOORS = (
  ("jtr_jax",),
  ("core",),
  ("tasks", "metrics", "balancing", "tensor_files"),
  ("models", "data", "workdir"),
  ("methods", "pretrained"),
  ("train",),
  ("config", "verify"),
  ("experiment", "benchmark", "inference"),
  (
    "main",
    "compare",
    "tables",
    "weights",
    "predict",
    "export",
    "report",
    "commands",
    "card",
  ),
)

ONLY_IN = {
  "array_record": {"data"},
  "flax": {"models"},
  "grain": {"data"},
  "h5py": {"data"},
  "jax2onnx": {"export"},
  "ml_collections": {"config"},
  "onnxruntime": {"export"},
  "orbax": {"workdir"},
  "safetensors": {"tensor_files"},
  "scipy": {"data", "metrics", "verify"},
  "tensorboardX": {"workdir"},
  "tensorflow": set(),
  "tensorflow_datasets": {"data"},
  "torch": set(),
}

MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 45  # and 15 more with its docstring
LONGER_FUNCTIONS = {  # and why
  "predict/__main__.py: _parser": "the options, one a line",
  "tables/__main__.py: _parser": "the options of every command, one a line",
}
LONGER = {  # and why
  "data/label_splits/scenarios.py": "every scenario stands beside its rule",
  "workdir/checkpoints.py": "one class holds what Orbax may not do by itself",
}


def name_of(path):
  """Return the dotted name of a file, below the package."""
  parts = path.relative_to(ROOT / "jtr_jax").with_suffix("").parts
  parts = parts[:-1] if parts[-1] == "__init__" else parts
  return ".".join(parts) or "jtr_jax"


MODULES = {name_of(path): path for path in FILES}


def imports(path):
  """Yield every module that a file imports, wherever in the file."""
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      assert node.level == 0, f"{path} has a relative import"
      yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path):
  """Yield the imported files of the project, by dotted name."""
  for name in imports(path):
    if name == "jtr_jax":
      yield name
    elif name.startswith("jtr_jax."):
      inner = name.removeprefix("jtr_jax.")
      module = inner if inner in MODULES else inner.rpartition(".")[0]
      yield module if module in MODULES else "jtr_jax"


def floor(name):
  part = name.partition(".")[0]
  return next(n for n, parts in enumerate(FLOORS) if part in parts)


def test_every_part_has_a_floor():
  parts = {name.partition(".")[0] for name in MODULES}
  assert parts == set(itertools.chain(*FLOORS))


def test_the_house_stays_small():
  modules = [p for p in (ROOT / "jtr_jax").glob("*.py") if p.stem[0] != "_"]
  assert len(modules) <= 6
  assert len(FLOORS) <= 9


@pytest.mark.parametrize("name", MODULES)
def test_imports_only_from_floors_below(name):
  package = name.partition(".")[0]
  for other in own_imports(MODULES[name]):
    is_own = other.partition(".")[0] == package
    assert is_own or floor(other) < floor(name), f"{name} imports {other}"


@pytest.mark.parametrize("name", MODULES)
def test_libraries_stay_in_their_rooms(name):
  for imported in imports(MODULES[name]):
    library = imported.partition(".")[0]
    allowed = ONLY_IN.get(library, {name.partition(".")[0]})
    assert name.partition(".")[0] in allowed, f"{name} imports {imported}"


def test_nothing_imports_in_circles():
  graph = {name: set(own_imports(path)) for name, path in MODULES.items()}
  while graph:
    free = {name for name, others in graph.items() if not others & set(graph)}
    assert free, f"a circle among {sorted(graph)}"
    graph = {n: others for n, others in graph.items() if n not in free}


@pytest.mark.parametrize("name", MODULES)
def test_every_module_can_be_imported(name):
  importlib.import_module("jtr_jax." + name if name != "jtr_jax" else name)


def test_import_of_the_package_is_light():
  code = "import jtr_jax, sys; sys.stdout.write(' '.join(sys.modules))"
  done = subprocess.run(
    [sys.executable, "-c", code], capture_output=True, text=True, check=True
  )
  loaded = set(done.stdout.split())
  assert "jtr_jax" in loaded
  assert not loaded & {"jax", "numpy", "flax", "tensorflow_datasets"}


def test_files_are_short():
  found = {
    str(path.relative_to(ROOT / "jtr_jax")): len(path.read_text().splitlines())
    for path in FILES
  }
  long = {name: n for name, n in found.items() if n > MOST_LINES}
  assert set(long) == set(LONGER), long


def functions():
  """Yield each function with the file that it is in."""
  for path in FILES:
    for node in ast.walk(ast.parse(path.read_text())):
      if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield path.relative_to(ROOT / "jtr_jax"), node


def lines(node):
  return (node.end_lineno or 0) - node.lineno + 1


def test_functions_are_short():
  long = set()
  for path, node in functions():
    is_documented = ast.get_docstring(node) is not None
    docstring = lines(node.body[0]) if is_documented else 0
    assert lines(node) <= MOST_LINES_OF_A_FUNCTION + 15, f"{path}: {node.name}"
    if lines(node) - docstring > MOST_LINES_OF_A_FUNCTION:
      long.add(f"{path}: {node.name}")
  assert long == set(LONGER_FUNCTIONS)
