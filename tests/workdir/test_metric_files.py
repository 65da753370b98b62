import csv
import json

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jtr_jax.workdir import metric_files
from jtr_jax.workdir.metric_files import MetricWriter

FILES = ("metrics.jsonl", "metrics.csv")


def write_steps(writer, steps):
  for step in steps:
    rng = np.random.default_rng(step)
    values = {"loss": rng.random(), "depth/abs_err": np.float32(rng.random())}
    writer.write(step, step // 4, "train", values)
    if step % 3 == 0:
      new = {"method/weight": step} if step > 6 else {}
      writer.write(step, step // 4, "val", {"depth/rmse": rng.random(), **new})


def contents(workdir):
  return {name: (workdir / name).read_bytes() for name in FILES}


@pytest.fixture
def undisturbed(tmp_path_factory):
  workdir = tmp_path_factory.mktemp("undisturbed")
  with MetricWriter(workdir, tensorboard=False) as writer:
    write_steps(writer, range(1, 13))
  return contents(workdir)


@pytest.mark.parametrize("torn", FILES)
@pytest.mark.parametrize("checkpoint", [None, 3, 7, 9])
@pytest.mark.parametrize("lost", [0, 1, 17, 60])
def test_resumed_files_are_the_same_bytes(
  tmp_path, undisturbed, torn, checkpoint, lost
):
  with MetricWriter(tmp_path, tensorboard=False) as writer:
    write_steps(writer, range(1, 12))
  content = (tmp_path / torn).read_bytes()
  (tmp_path / torn).write_bytes(content[: len(content) - lost])
  start = (checkpoint or 0) + 1
  with MetricWriter(
    tmp_path, resume_step=checkpoint, tensorboard=False
  ) as writer:
    write_steps(writer, range(start, 13))
  assert contents(tmp_path) == undisturbed


def test_row_is_on_file_before_write_returns(tmp_path):
  with MetricWriter(tmp_path, tensorboard=False) as writer:
    writer.write(5, 1, "val", {"depth/rmse": 0.5})
    assert json.loads((tmp_path / "metrics.jsonl").read_text()) == {
      "step": 5,
      "epoch": 1,
      "split": "val",
      "val/depth/rmse": 0.5,
    }
    lines = (tmp_path / "metrics.csv").read_text().splitlines()
    assert lines[1:] == ["5,1,val,depth,rmse,0.5"]


@pytest.mark.parametrize(
  ("value", "digits"),
  [
    (np.float32(0.1), "0.1"),
    (0.1 + 1e-12, "0.1"),
    (jnp.float32(1e-5), "1e-05"),
    (jnp.bfloat16(0.1), "0.100097656"),
    (np.float32(16777216), "16777216.0"),
    (3e38, "3e+38"),
    (np.int64(2**40), "1099511627776"),
    (True, "1"),
    (float("nan"), "null"),
    (np.inf, "null"),
    (1e300, "null"),
  ],
)
def test_digits(tmp_path, value, digits):
  with MetricWriter(tmp_path, tensorboard=False) as writer:
    writer.write(1, 0, "train", {"x": value})
  text = (tmp_path / "metrics.jsonl").read_text()
  assert text.endswith(f'"train/x": {digits}}}\n')
  row = (tmp_path / "metrics.csv").read_text().splitlines()[1]
  assert row == "1,0,train,,x," + ("" if digits == "null" else digits)


def test_digits_give_the_float32_back(tmp_path):
  bits = np.random.default_rng(0).integers(0, 0x7F800000, 500, np.uint32)
  values = bits.view(np.float32)
  with MetricWriter(tmp_path, tensorboard=False) as writer:
    writer.write(1, 0, "t", {str(i): value for i, value in enumerate(values)})
  (row,) = metric_files.read_rows(tmp_path / "metrics.jsonl")
  read = np.array(list(row.values())[3:], np.float32)
  np.testing.assert_array_equal(read.view(np.uint32), bits)


def test_csv_has_the_numbers_of_jsonl(tmp_path):
  with MetricWriter(tmp_path, tensorboard=False) as writer:
    write_steps(writer, range(1, 8))
    writer.write(8, 2, "val", {'a,b"c/x': 1.5, "balancer/weight/depth": 2.0})
  with (tmp_path / "metrics.csv").open(newline="") as file:
    table = list(csv.DictReader(file))
  from_csv = [
    "/".join(filter(None, (line["split"], line["task"], line["metric"])))
    + f" {line['step']} {line['value']}"
    for line in table
  ]
  from_json = [
    f"{name} {row['step']} {value}"
    for row in metric_files.read_rows(tmp_path / "metrics.jsonl")
    for name, value in list(row.items())[3:]
  ]
  assert from_csv == from_json
  assert (table[-1]["task"], table[-1]["metric"]) == (
    "balancer",
    "weight/depth",
  )


def test_rows_must_come_in_order_also_after_resuming(tmp_path):
  with MetricWriter(tmp_path, tensorboard=False) as writer:
    writer.write(5, 0, "train", {})
  with MetricWriter(tmp_path, resume_step=5, tensorboard=False) as writer:
    with pytest.raises(ValueError, match="step 4 after step 5"):
      writer.write(4, 0, "train", {})
    writer.write(5, 0, "val", {})


def test_several_numbers_are_no_metric(tmp_path):
  with (
    MetricWriter(tmp_path, tensorboard=False) as writer,
    pytest.raises(ValueError, match=r"shape \(2,\)"),
  ):
    writer.write(1, 0, "train", {"x": np.ones(2)})


def test_damage_inside_is_an_error_that_names_the_line(tmp_path):
  path = tmp_path / "metrics.jsonl"
  path.write_text('{"step": 1}\n{"ste\n{"step": 3}\n')
  with pytest.raises(ValueError, match=r"metrics\.jsonl is damaged.*line 2"):
    MetricWriter(tmp_path, resume_step=3, tensorboard=False)
  assert len(path.read_text().splitlines()) == 3


def test_timing_is_apart_and_stays(tmp_path):
  for resume_step in (None, 1):
    with MetricWriter(
      tmp_path, resume_step=resume_step, tensorboard=False
    ) as writer:
      writer.write_timing(1, {"images_per_second": 12.5})
  row = {"step": 1, "images_per_second": 12.5}
  assert metric_files.read_rows(tmp_path / "timing.jsonl") == [row, row]
  assert (tmp_path / "metrics.jsonl").read_text() == ""


def test_write_error_names_the_file(tmp_path):
  with pytest.raises(FileNotFoundError, match=r"metrics\.jsonl.*checkpoint"):
    MetricWriter(tmp_path / "absent", tensorboard=False)


def test_closing_twice_does_no_harm(tmp_path):
  writer = MetricWriter(tmp_path)
  writer.close()
  writer.close()


def test_tensorboard_events_hold_scalars(tmp_path):
  from tensorboardX.proto import event_pb2

  with MetricWriter(tmp_path, resume_step=8) as writer:
    writer.write(9, 1, "val", {"depth/rmse": 0.25, "nan": np.nan})
    writer.write_timing(9, {"images_per_second": 2.0})
  (path,) = (tmp_path / "tensorboard").iterdir()
  events = [event_pb2.Event.FromString(e) for e in records(path.read_bytes())]
  values = {v.tag: (e.step, v) for e in events for v in e.summary.value}
  assert values["val/depth/rmse"][0] == 9
  assert values["val/depth/rmse"][1].simple_value == 0.25
  assert values["timing/images_per_second"][1].simple_value == 2.0
  assert "val/nan" not in values
  starts = [e.step for e in events if e.HasField("session_log")]
  assert starts == [9]


def records(content: bytes):
  """Yields the payloads of a TFRecord file."""
  while content:
    length = int.from_bytes(content[:8], "little")
    yield content[12 : 12 + length]
    content = content[12 + length + 4 :]


def test_pictures_are_events_of_their_step(tmp_path):
  (tmp_path / "pictures").mkdir()
  Image.new("RGB", (6, 4), (200, 0, 0)).save(tmp_path / "pictures" / "a.png")
  with MetricWriter(tmp_path) as writer:
    writer.write_pictures(7, tmp_path / "pictures")
    writer.write_pictures(9, tmp_path / "nowhere")
  (events,) = (tmp_path / "tensorboard").iterdir()
  content = events.read_bytes()
  assert b"PNG" in content
  assert content.count(b"\x89PNG") == 1
