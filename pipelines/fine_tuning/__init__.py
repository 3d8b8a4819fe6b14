"""Training from the weights of a trained model: `train --init`."""
