"""Figures: grids, animations, attention maps and change maps as images; loss curves as SVG."""
