"""The studies of the talk: what a trained system makes of compositions, flipped words and words."""
