import pytest

from jtr_jax.config import described, layout, presets, resolve, schema
from tests import ROOT


def test_page_is_current():
  page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
  assert page == described.as_page(), (
    "python -m jtr_jax.config.described docs/config.md"
  )


def test_page_has_every_field_of_a_config():
  page = described.as_page()
  config = resolve.to_mapping(presets.base())
  known = layout.layout_of(config).fields
  for place, fields in known.items():
    for name in fields:
      assert f"| `{place}.{name}` |" in page or f"| `{name}` |" in page


@pytest.mark.parametrize(
  "text", ["train.epochs=300", "seed=0", "[one of 'run'"]
)
def test_help_names_fields_defaults_and_bounds(text):
  assert text in described.as_text()


def test_every_field_says_what_it_is():
  for section in described._sections():
    for name, field in section.fields.items():
      assert field.about, name
      assert schema.describe(field), name
