"""Completion of the command line, as scripts for shells."""

from collections.abc import Mapping, Sequence

from jtr_jax.core import errors

SHELLS = ("bash", "zsh", "fish")


def script(shell: str, words: Mapping[str, Sequence[str]]) -> str:
  """Return the script that a shell reads at its start.

  Args:
    shell: one of `SHELLS`.
    words: what may follow a command; "" for the commands themselves.

  Raises:
    ValueError: another shell, naming the nearest.
  """
  if shell not in SHELLS:
    raise errors.unknown_name("shell", shell, SHELLS)
  return _fish(words) if shell == "fish" else _bash(words, shell)


def _bash(words: Mapping[str, Sequence[str]], shell: str) -> str:
  """Return a function for bash, which zsh can use as well."""
  cases = "\n".join(
    f'    {name}) words="{" ".join(own)}" ;;'
    for name, own in words.items()
    if name
  )
  head = (
    "autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else ""
  )
  return f"""{head}_jtr_jax() {{
  local words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{" ".join(words[""])}"
  elif [ "$COMP_CWORD" -eq 2 ]; then
    case "${{COMP_WORDS[1]}}" in
{cases}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _jtr_jax jtr-jax
"""


def _fish(words: Mapping[str, Sequence[str]]) -> str:
  first = (
    f"complete -c jtr-jax -n __fish_use_subcommand -a '{' '.join(words[''])}'"
  )
  rest = [
    f"complete -c jtr-jax -n '__fish_seen_subcommand_from {name}' "
    f"-a '{' '.join(own)}'"
    for name, own in words.items()
    if name
  ]
  return "\n".join([first, *rest]) + "\n"
