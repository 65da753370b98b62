from jtr_jax.core import errors


def test_message_says_what_was_found_and_expected_and_what_to_do():
  text = errors.message(
    "The batch is empty", found=0, expected="1 or more", do="Add images."
  )
  assert text == (
    "The batch is empty. Found: 0. Expected: 1 or more. Add images."
  )


def test_unknown_name_points_at_the_nearest_one():
  error = errors.unknown_name("task", "normal", ["normals", "depth"])
  assert isinstance(error, ValueError)
  assert "Unknown task. Found: 'normal'" in str(error)
  assert "one of depth, normals" in str(error)
  assert "Did you mean 'normals'?" in str(error)


def test_unknown_name_is_found_in_another_case():
  text = str(errors.unknown_name("balancing", "PCGrad", ["pcgrad", "cagrad"]))
  assert "Did you mean 'pcgrad'?" in text


def test_unknown_name_takes_the_one_that_is_meant():
  names = ["clip_norm", "learning_rate"]
  error = errors.unknown_name("field", "lr", names, near="learning_rate")
  assert "Did you mean 'learning_rate'?" in str(error)


def test_unknown_name_does_not_guess_from_nothing_like_it():
  text = str(errors.unknown_name("task", "xyz", iter(["depth"])))
  assert "Did you mean" not in text
  assert "Use one of the known names." in text
