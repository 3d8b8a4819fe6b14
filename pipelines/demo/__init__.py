"""The whole journey in one command, with its report."""
