"""Weights that ship: a preset folder for each name (see `t2i_tf.hub.preset_folder`)."""
