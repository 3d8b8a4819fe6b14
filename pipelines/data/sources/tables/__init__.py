"""Tables of captions in the formats that people have, each read as the same rows."""
