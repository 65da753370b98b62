"""The page on combining data says what is so."""
