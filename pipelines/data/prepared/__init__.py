"""Reading a finished data folder: manifest, records, captions, images."""
