"""Indoor scenes, ray-cast exactly: the data set that needs no download."""
