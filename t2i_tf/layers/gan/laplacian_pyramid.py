"""Laplacian pyramids of pictures (Burt and Adelson 1983), as pure functions.

    coarse = up(down(x)),   residual = x - coarse

A pyramid is a list: the smallest picture, then the residuals, each of twice the side. Pictures are
float [B, H, W, C] of any dtype. Halving takes means of 2x2 pixels, and doubling is bilinear, with
the pixels' centres where a scanner would put them: our choice, near to that of Denton et al. 2015.
"""

from collections.abc import Sequence

import tensorflow as tf

from t2i_tf.errors import UserError


def level_sizes(height: int, width: int, stages: int) -> list[tuple[int, int]]:
    """Height and width of every level, from the base to the whole picture: stages + 1 of them.

    Raises:
        UserError: the sides cannot be halved so often, or there would be no picture.
    """
    factor = 2**stages
    if stages < 0 or min(height, width) < factor or height % factor or width % factor:
        raise UserError(
            f"Expected a height and width that {stages} stages can halve, multiples of {factor}; "
            f"got {height} x {width}. Prepare pictures of another size, or take fewer stages."
        )
    return [(height >> k, width >> k) for k in range(stages, -1, -1)]


def down(pictures: tf.Tensor) -> tf.Tensor:
    """Half the height and width, [B, H, W, C] to [B, H / 2, W / 2, C].

    Raises:
        UserError: height or width is odd.
    """
    level_sizes(*pictures.shape[1:3], stages=1)
    return tf.nn.avg_pool2d(pictures, ksize=2, strides=2, padding="VALID")


def up(pictures: tf.Tensor) -> tf.Tensor:
    """Twice the height and width, [B, H, W, C] to [B, 2 H, 2 W, C]."""
    _, height, width, channels = pictures.shape
    tall = _interleaved(
        pictures,
        before=tf.concat([pictures[:, :1], pictures[:, :-1]], axis=1),
        after=tf.concat([pictures[:, 1:], pictures[:, -1:]], axis=1),
        axis=2,
    )
    tall = tf.reshape(tall, [-1, 2 * height, width, channels])
    wide = _interleaved(
        tall,
        before=tf.concat([tall[:, :, :1], tall[:, :, :-1]], axis=2),
        after=tf.concat([tall[:, :, 1:], tall[:, :, -1:]], axis=2),
        axis=3,
    )
    return tf.reshape(wide, [-1, 2 * height, 2 * width, channels])


def coarse(pictures: tf.Tensor) -> tf.Tensor:
    """What the level below knows of pictures, at their size: up(down(x))."""
    return up(down(pictures))


def levels(pictures: tf.Tensor, stages: int) -> list[tf.Tensor]:
    """The pictures at every size, from the base to themselves: a Gaussian pyramid."""
    found = [pictures]
    for _ in range(stages):
        found.insert(0, down(found[0]))
    return found


def decompose(pictures: tf.Tensor, stages: int) -> list[tf.Tensor]:
    """Pictures to their pyramid: the base, and a residual for each stage.

    Raises:
        UserError: height or width is no multiple of 2**stages.
    """
    level_sizes(*pictures.shape[1:3], stages=stages)
    base, *finer = levels(pictures, stages)
    return [base, *(level - coarse(level) for level in finer)]


def reconstruct(pyramid: Sequence[tf.Tensor]) -> tf.Tensor:
    """The pictures of a pyramid: the inverse of `decompose`."""
    picture, *residuals = pyramid
    for residual in residuals:
        picture = up(picture) + residual
    return picture


def _interleaved(x, before, after, axis):
    """A quarter of the neighbour and three of the pixel itself, on both sides of every pixel."""
    return tf.stack([0.25 * before + 0.75 * x, 0.75 * x + 0.25 * after], axis=axis)
