"""Making a data folder: images are loaded, shards are written, and the manifest last."""
