"""Images as grids of places, h rows of w: a place holds the pixels of a square."""

import tensorflow as tf


def grid_sides(height: int, width: int, side: int) -> tuple[int, int]:
    """Places along the height and along the width of an image; squares at the edge may jut out."""
    return -(-height // side), -(-width // side)


def to_places(image: tf.Tensor, side: int) -> tf.Tensor:
    """Images [B, H, W, C] as grids [B, h, w, side * side * C], with zeros where squares jut out."""
    height, width, channels = image.shape[1:]
    rows, columns = grid_sides(height, width, side)
    beyond = [[0, rows * side - height], [0, columns * side - width]]
    padded = tf.pad(image, [[0, 0], *beyond, [0, 0]])
    squares = tf.reshape(padded, [-1, rows, side, columns, side, channels])
    grid = tf.transpose(squares, [0, 1, 3, 2, 4, 5])
    return tf.reshape(grid, [-1, rows, columns, side * side * channels])


def from_places(grid: tf.Tensor, side: int, height: int, width: int) -> tf.Tensor:
    """Grids [B, h, w, side * side * C] as images [B, H, W, C], without what juts out."""
    rows, columns, pixels = grid.shape[-3:]
    channels = pixels // side**2
    squares = tf.reshape(grid, [-1, rows, columns, side, side, channels])
    image = tf.transpose(squares, [0, 1, 3, 2, 4, 5])
    image = tf.reshape(image, [-1, rows * side, columns * side, channels])
    return image[:, :height, :width]


def halved(image: tf.Tensor) -> tf.Tensor:
    """The means of squares of 2 x 2 pixels; the last row or column of an odd side counts twice."""
    height, width, channels = image.shape[1:]
    even = tf.pad(image, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]], "SYMMETRIC")
    squares = tf.reshape(even, [-1, -(-height // 2), 2, -(-width // 2), 2, channels])
    return tf.reduce_mean(squares, axis=[2, 4])


def enlarged(grid: tf.Tensor, factor: int, rows: int, columns: int) -> tf.Tensor:
    """Grids or images with everything `factor` x `factor` times, the first rows and columns."""
    height, width, channels = grid.shape[1:]
    copies = tf.tile(grid[:, :, None, :, None], [1, 1, factor, 1, factor, 1])
    copies = tf.reshape(copies, [-1, factor * height, factor * width, channels])
    return copies[:, :rows, :columns]
