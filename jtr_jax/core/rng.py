"""Random keys are derived from names and numbers, never carried along.

A key is a function of (seed, stream name, numbers), so a resumed run draws what
the uninterrupted one would have drawn, and no state has to be saved.
"""

import zlib

import jax


def stream(
  seed: int | jax.Array, name: str, *numbers: int | jax.Array
) -> jax.Array:
  """Return the random key of a named stream.

  Args:
    seed: the seed of the run, or a key to derive from.
    name: the stream, such as "init", "augment" or "gumbel".
    *numbers: further things that the key depends on, such as the step or
      (epoch, sample, view); int32 scalars, traced or not.

  Returns:
    A typed scalar key.
  """
  key = jax.random.key(seed) if not _is_key(seed) else seed
  key = jax.random.fold_in(key, zlib.crc32(name.encode()))
  for number in numbers:
    key = jax.random.fold_in(key, number)
  return key


def _is_key(value: int | jax.Array) -> bool:
  return isinstance(value, jax.Array) and jax.dtypes.issubdtype(
    value.dtype, jax.dtypes.prng_key
  )
