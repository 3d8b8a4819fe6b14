"""The studies of the authors' talk, on any trained system."""
