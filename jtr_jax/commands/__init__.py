"""The console command `jtr-jax`: every command under one name."""
