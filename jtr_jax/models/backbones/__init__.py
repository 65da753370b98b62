"""Networks that make maps of an image, one family a file."""
