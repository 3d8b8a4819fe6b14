"""Commands that talk to a server: query, rank images, benchmark, demo."""
