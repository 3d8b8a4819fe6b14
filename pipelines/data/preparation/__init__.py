"""Making a data folder: images loaded, shards written, the manifest last."""
