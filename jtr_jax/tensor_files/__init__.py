"""Named arrays in the files of other programs, read without running code."""
