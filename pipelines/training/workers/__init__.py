"""Training on several workers: who they are, what they agree on, and what Keras needs for it."""
