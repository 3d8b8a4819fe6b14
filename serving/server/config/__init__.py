"""Flags, configuration files, logging."""
