import jax
import jax.numpy as jnp

from jtr_jax.core import rng


def bits(*arguments):
  return jax.random.key_data(rng.stream(*arguments)).tolist()


def test_a_stream_is_a_function_of_seed_name_and_numbers():
  assert bits(3, "augment", 1, 2) == bits(3, "augment", 1, 2)


def test_streams_differ():
  streams = [
    (3, "augment"),
    (4, "augment"),
    (3, "init"),
    (3, "augment", 0),
    (3, "augment", 1),
    (3, "augment", 1, 2),
    (3, "augment", 2, 1),
  ]
  assert len({tuple(bits(*stream)) for stream in streams}) == len(streams)


def test_recorded_bits():
  # A change would change every run that is resumed or repeated.
  assert bits(0, "augment", 5) == [3562271380, 2074824842]


def test_a_key_may_stand_for_the_seed():
  assert bits(jax.random.key(3), "init") == bits(3, "init")


def test_traced_numbers_and_keys():
  traced = jax.jit(lambda key, step: rng.stream(key, "gumbel", step))
  key = traced(jax.random.key(3), jnp.int32(7))
  assert jax.random.key_data(key).tolist() == bits(3, "gumbel", 7)
