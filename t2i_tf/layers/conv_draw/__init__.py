"""The convolutional DRAW recurrence, whose states are grids of places."""
