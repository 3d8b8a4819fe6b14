"""Lower bounds on the log-likelihood of images given captions."""
