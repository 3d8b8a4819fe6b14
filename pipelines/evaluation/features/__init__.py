"""Networks whose features compare images and sets of images."""
