"""Features computed once for every caption, and cached beside the data folder."""
