"""`model.fit` and what surrounds it: devices, checkpoints, resuming, TensorBoard."""
