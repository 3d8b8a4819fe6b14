"""What the authors published in files of their own kinds: arrays, a dictionary, weights."""
