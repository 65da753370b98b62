"""Folders of trained networks for the Hugging Face hub."""
