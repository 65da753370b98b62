"""The tables of the papers as data, and as experiments.

Each file of `published/` is a table: rows, columns, the printed numbers and how
a row is run. See `python -m jtr_jax.tables list`.
"""
