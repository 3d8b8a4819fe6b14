"""From (file, captions, split) as a data set lists them to examples: names, text and splits."""
