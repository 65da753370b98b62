"""Bad inputs, as rows of a table: each ends with one clear message."""
