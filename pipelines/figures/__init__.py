"""Figures as Pillow images: grids of images, animations, attention, loss curves."""
