"""The site has every page, and what its pages name exists."""

import re

import pytest
import yaml

from jtr_jax.balancing import registry
from tests import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text())


def leaves(nav):
  """Yield the pages of a navigation."""
  if isinstance(nav, str):
    yield nav
    return
  for part in nav.values() if isinstance(nav, dict) else nav:
    yield from leaves(part)


def test_every_page_is_in_the_navigation_once():
  assert sorted(leaves(SITE["nav"])) == PAGES
  assert SITE["strict"] is True


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page):
  text = re.sub(r"```.*?```", "", (DOCS / page).read_text(), flags=re.DOTALL)
  targets = re.findall(r"\]\(([^)#\s]+)", text)
  local = [target for target in targets if "://" not in target]
  missing = [t for t in local if not ((DOCS / page).parent / t).exists()]
  assert not missing


def test_names_of_other_libraries_lead_to_balancers():
  text = (DOCS / "from_pytorch.md").read_text()
  table = text.split("## Programs")[0]
  rows = re.findall(r"^\|.*\| (`.*) \|$", table, re.MULTILINE)
  names = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
  assert len(names) > 20
  assert names <= {*registry.LOSS, *registry.GRADIENT}
