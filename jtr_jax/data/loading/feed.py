"""Two ways from records to the batch of a step: resident and streaming."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding

from jtr_jax.core import errors, hosts
from jtr_jax.data.loading.examples import Examples, WithExtra
from jtr_jax.data.loading.order import Order, Rows
from jtr_jax.data.loading.selection import Selection
from jtr_jax.data.loading.stream import Reading, Stream
from jtr_jax.data.progress_bar import progress

Placement: TypeAlias = Literal["auto", "device", "stream"]
Sharding: TypeAlias = jax.sharding.Sharding

_SHARE_OF_DEVICE = 0.4  # of its memory; the rest is for the training
_HOST_BUDGET = 4 << 30  # where the backend does not report its memory


class Feed(NamedTuple):
  """Gives a batch for every step.

  Attributes:
    constant: pytree on the device for the whole run.
    fetch: step -> pytree of numpy arrays: a few integers (resident) or images
      and labels (streaming), with a row for each image of the batch that the
      devices of this process need.
    gather: (constant, fetched) -> Examples, or WithExtra where a second batch
      was asked for; pure, to be traced inside jit.
    rows: `Shardings.batch`.
  """

  constant: Any
  fetch: Callable[[int], Any]
  gather: Callable[[Any, Any], Any]
  rows: NamedSharding | None = None


class Shardings(NamedTuple):
  """Where arrays go.

  Attributes:
    constant: of what is constant for the whole run; replicated, as a rule. None
      places it on the default device.
    batch: of arrays whose first axis is the batch; says which rows of it a
      process fetches. None: all of them.
  """

  constant: Sharding | None = None
  batch: NamedSharding | None = None


class Delivery(NamedTuple):
  """How batches come to the device, whatever they hold.

  Attributes:
    placement: "device" loads the whole split there and gathers batches inside
      jit, "stream" reads them from disk ahead of the steps that need them;
      "auto" is the former where the split fits.
    device_budget_bytes: what "auto" may fill; by default 40% of the device, or
      4 GiB where it does not report its memory.
    shardings: where arrays go.
    reading: threads and worker processes of a stream.
  """

  placement: Placement = "auto"
  device_budget_bytes: int | None = None
  shardings: Shardings = Shardings()
  reading: Reading = Reading()


WHERE_IT_FITS = Delivery()


def make_feed(
  selection: Selection,
  order: Order,
  *,
  batch_size: int,
  delivery: Delivery = WHERE_IT_FITS,
  extra: Order | None = None,
) -> Feed:
  """Return the feed of a selection; every way gives the same `Examples`.

  Args:
    selection: the split, its tasks and visible labels.
    order: which sample stands where.
    batch_size: images in a batch.
    delivery: the way.
    extra: of a second batch in every step; None for no such batch.

  Returns:
    The feed, of `WithExtra` if there is a second batch. Any step can be the
    first; a stream reads consecutive ones ahead.

  Raises:
    ValueError: an unknown placement, or a broken record.
  """
  known = get_args(Placement)
  if delivery.placement not in known:
    raise errors.unknown_name("placement", delivery.placement, known)
  resident = delivery.placement == "device"
  if delivery.placement == "auto":
    budget = delivery.device_budget_bytes or _device_budget()
    resident = hosts.agree(selection.nbytes <= budget)
  make = _resident_feed if resident else _streaming_feed
  feed = make(selection, order, batch_size, delivery)
  feed = feed._replace(rows=delivery.shardings.batch)
  if extra is None:
    return feed
  if not resident:
    return _paired(feed, make(selection, extra, batch_size, delivery))
  fetch = _fetch_rows(extra, batch_size, delivery)
  return _paired(feed, feed._replace(fetch=fetch))


def _resident_feed(
  selection: Selection, order: Order, batch_size: int, delivery: Delivery
) -> Feed:
  constant = _put(_load(selection), delivery.shardings.constant)
  fetch = _fetch_rows(order, batch_size, delivery)
  return Feed(constant, fetch, _gather_resident)


def _fetch_rows(
  order: Order, batch_size: int, delivery: Delivery
) -> Callable[[int], Rows]:
  own = own_rows(batch_size, delivery.shardings.batch)

  def fetch(step: int) -> Rows:
    rows = order.rows(step * batch_size, batch_size)
    return Rows(*(array[own] for array in rows))

  return fetch


def _paired(feed: Feed, extra: Feed) -> Feed:
  """Return the feed of both feeds' batches."""

  def gather(constant: Any, fetched: Any) -> WithExtra:
    return WithExtra(
      feed.gather(constant[0], fetched[0]),
      extra.gather(constant[1], fetched[1]),
    )

  return Feed(
    (feed.constant, extra.constant),
    lambda step: (feed.fetch(step), extra.fetch(step)),
    gather,
    feed.rows,
  )


def _streaming_feed(
  selection: Selection, order: Order, batch_size: int, delivery: Delivery
) -> Feed:
  own = own_rows(batch_size, delivery.shardings.batch)
  stream = Stream(selection, order, batch_size, delivery.reading, own)
  return Feed((), stream, _gather_streamed)


def own_rows(batch_size: int, sharding: Sharding | None) -> np.ndarray:
  """Return the rows of a batch that the devices of this process need.

  Args:
    batch_size: rows of the batch.
    sharding: of an array with such an axis alone; None: all rows.

  Returns:
    i64[N], ascending.
  """
  rows = np.arange(batch_size)
  if sharding is None:
    return rows
  places = sharding.addressable_devices_indices_map((batch_size,)).values()
  return np.unique(np.concatenate([rows[place] for place in places]))


def _device_budget() -> int:
  memory = jax.local_devices()[0].memory_stats() or {}
  limit = memory.get("bytes_limit")
  return int(_SHARE_OF_DEVICE * limit) if limit else _HOST_BUDGET


def _load(selection: Selection) -> dict[str, Any]:
  """Read everything; hidden labels are left empty."""
  size, source = selection.size, selection.source()
  images = np.empty((size, *selection.image_shape), np.uint8)
  stored = {
    name: np.empty((size, *form.shape), form.dtype)
    for name, form in selection.forms.items()
  }
  what = f"load {selection.split}"
  for index in progress(range(size), total=size, what=what):
    images[index], labels = source[index]
    for name, label in labels.items():
      stored[name][index] = label
  present = dict(zip(selection.tasks, selection.present.T.copy(), strict=True))
  return {
    "image": images,
    "stored": stored,
    "present": present,
    "known": selection.known,
  }


def _gather_resident(constant: dict[str, Any], rows: Rows) -> Examples:
  def of_batch(whole: jax.Array) -> jax.Array:
    return jnp.take(whole, rows.sample, axis=0, mode="clip")

  present = jax.tree.map(of_batch, constant["present"])
  return Examples(
    image=of_batch(constant["image"]),
    stored=jax.tree.map(of_batch, constant["stored"]),
    present={name: shown & rows.real for name, shown in present.items()},
    sample=jnp.asarray(rows.sample),
    epoch=jnp.asarray(rows.epoch),
    known=jax.tree.map(of_batch, constant["known"]),
  )


def _gather_streamed(constant: tuple[()], batch: dict[str, Any]) -> Examples:
  del constant  # empty: the batch is complete
  return Examples(**batch)


def _put(tree: Any, sharding: Sharding | None) -> Any:
  """Place what every process has whole."""
  if sharding is None or sharding.is_fully_addressable:
    return jax.device_put(tree, sharding)
  return jax.tree.map(
    lambda x: jax.make_array_from_process_local_data(sharding, x, x.shape), tree
  )
