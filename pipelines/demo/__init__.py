"""The whole pipeline in one command, with a report."""
