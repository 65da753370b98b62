import pytest

from tests import eight_devices
from tests.balancing import documented_programs as programs

TRAINED = [name for name in programs.HEADINGS if name != "Several devices"]


@pytest.mark.parametrize("heading", programs.HEADINGS)
def test_programs_are_short(heading):
  lines = programs.source(heading).splitlines()
  assert len([line for line in lines if line.strip()]) < 30


@pytest.mark.parametrize("heading", TRAINED)
def test_program_trains_every_task(heading):
  names = programs.run(heading)
  before = untrained(heading)
  present = names.get("present", [True] * len(before))
  for task, is_present in enumerate(present):
    if is_present:
      assert names["losses"][task] < 0.7 * before[task], task


def untrained(heading):
  """Return the losses of the program's first step."""
  text = programs.source(heading).replace("range(100)", "range(1)")
  names = {}
  exec(compile(text, heading, "exec"), names)
  return names["losses"]


def test_averaged_jacobians_in_shard_map_equal_jit_on_eight_devices():
  found = eight_devices.run("tests.balancing.documented_programs")
  assert found["devices"] == 8
  assert found["moved"] > 0.01
  assert found["error"] < 1e-6
