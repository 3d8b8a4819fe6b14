"""Networks whose features compare sets of images."""
