"""What a folder or a prepared data set contains, in words and pictures."""
