"""Letters of every script in figures: fonts that have them, their order, and their shapes."""
