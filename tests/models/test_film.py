import chex
import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.models.film import FilmConv, select
from jtr_jax.models.initialization import initialize
from jtr_jax.models.mapping import Chosen, MappingInput, MappingNet

CONDITIONS, WIDTH = 3, 4


def draw(*shape):
  values = np.random.default_rng(len(shape)).normal(size=shape)
  return jnp.asarray(values, jnp.float32)


def test_select_is_exact_and_empty_for_a_zero_vector():
  rows = draw(2, 3, 5)
  chosen = jnp.zeros((2, 4, 3)).at[0, 1, 2].set(1).at[1, 3, 0].set(1)
  found = jax.jit(select)(chosen, rows)
  expected = np.zeros((2, 4, 5), np.float32)
  expected[0, 1], expected[1, 3] = rows[0, 2], rows[1, 0]
  chex.assert_trees_all_equal(np.asarray(found), expected)


def test_film_scales_and_shifts_what_is_normalised():
  module = FilmConv(WIDTH, CONDITIONS)
  x, condition = draw(3, 4, 4, 2), jnp.eye(3).at[1].set(0)
  params = module.init(jax.random.key(0), x, condition)["params"]
  gamma, beta = draw(CONDITIONS, WIDTH), draw(CONDITIONS, WIDTH)[::-1]
  variables = {"params": {**params, "gamma": gamma, "beta": beta}}
  plain = module.apply(variables, x, method="normalise")
  found = module.apply(variables, x, condition)
  for image in (0, 2):
    expected = jax.nn.relu(gamma[image] * plain[image] + beta[image])
    chex.assert_trees_all_close(found[image], expected, rtol=1e-5)
  assert not found[1].any()


def test_film_starts_as_the_identity():
  mapping = MappingNet(("a", "b"), (WIDTH,))
  codes = (draw(1, 2, 2, 1), draw(1, 2, 2, 3))
  chosen = Chosen(jnp.ones((1, 1, 2)), jnp.ones((1, 1, 2)))
  variables = initialize(
    mapping, jax.random.key(0), MappingInput(codes, chosen)
  )
  assert set(variables) == {"params"}  # it is never evaluated
  layer = variables["params"]["stage0_layer0"]
  chex.assert_trees_all_equal(layer["gamma"], jnp.ones((2, WIDTH)))
  chex.assert_trees_all_equal(layer["beta"], jnp.zeros((2, WIDTH)))


def test_sizes_are_padded_to_whole_windows():
  mapping = MappingNet(("a", "b"), (WIDTH, WIDTH))
  codes = (draw(1, 5, 6, 1), draw(1, 5, 6, 3))
  chosen = Chosen(jnp.eye(2)[None], jnp.eye(2)[None])
  given = MappingInput(codes, chosen)
  shapes = jax.eval_shape(
    lambda: mapping.init_with_output(jax.random.key(0), given, train=True)[0]
  )
  assert shapes.shape == (1, 2, 2, 2, WIDTH)
