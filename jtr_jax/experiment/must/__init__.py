"""MuST: teachers of single tasks, their pseudo labels, and a student."""
