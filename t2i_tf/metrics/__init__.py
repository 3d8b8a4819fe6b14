"""Figures of how good pictures are: plain functions of scores, pictures and features."""
