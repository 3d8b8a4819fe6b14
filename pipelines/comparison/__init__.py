"""Every system trained with one budget, measured, and reported beside the paper."""
