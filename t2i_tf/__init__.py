"""Text to image by drawing: Keras layers and models of alignDRAW and its baselines.

"Generating Images from Captions with Attention" (Mansimov, Parisotto, Ba, Salakhutdinov, ICLR
2016).

Dimensions have the same letters everywhere:

    B  examples in a batch          H  image height, pixels
    N  words of a caption           W  image width, pixels
    V  words in the vocabulary      C  image channels, 1 or 3
    T  drawing steps                P  side of the read or write patch
    Z  latent units per step        D  units of a layer

Losses and bounds are in nats. Images are uint8 in files and batches, and floats in [0, 1] inside a
model.
"""
