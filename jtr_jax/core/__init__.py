"""Arrays only: types, numerics, random streams, errors."""
