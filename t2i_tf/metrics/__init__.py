"""Metrics of images and captions: plain functions of scores, images and features."""
