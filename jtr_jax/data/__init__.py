"""From the user's files to batches on the device."""
