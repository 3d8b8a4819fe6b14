"""How many bits a picture takes: by a system, by file formats, and by simple models of pixels."""
