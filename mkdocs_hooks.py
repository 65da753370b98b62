"""Links of the pages to files of the repository that the site does not have."""

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+([^)#]+)\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
  """Return a page whose links out of docs/ are names of files.

  Args:
    markdown: of the page.
    page: says where it lies.
  """
  depth = page.file.src_uri.count("/")

  def named(link: re.Match[str]) -> str:
    steps = link[0].count("../")
    text, path = link[1], link[2]
    if steps <= depth:
      return link[0]
    return f"{text} (`{path}`)" if path not in text else f"{text}"

  return _OUTSIDE.sub(named, markdown)
