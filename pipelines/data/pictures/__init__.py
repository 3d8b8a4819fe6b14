"""Pictures of any kind as pixels of one size: what decoding changes is counted, damage refused."""
