"""The studies of the authors' talk, for any trained system."""
