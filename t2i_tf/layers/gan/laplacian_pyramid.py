"""Laplacian pyramids of images (Burt and Adelson 1983), as pure functions.

    coarse = up(down(x)),   residual = x - coarse

A pyramid is a list: the smallest image, then the residuals, each twice as high and wide. Images are
float [B, H, W, C] of any dtype. Halving averages 2x2 pixels, doubling is bilinear with half-pixel
centres: our choice, close to that of Denton et al. 2015.
"""

from collections.abc import Sequence

import tensorflow as tf

from t2i_tf.errors import UserError


def level_sizes(height: int, width: int, stages: int) -> list[tuple[int, int]]:
    """Height and width of each of the stages + 1 levels, from the base to the whole image.

    Raises:
        UserError: height or width cannot be halved `stages` times, or `stages` is negative.
    """
    factor = 2**stages
    if stages < 0 or min(height, width) < factor or height % factor or width % factor:
        raise UserError(
            f"Expected a height and width that {stages} stages can halve, multiples of {factor}; "
            f"got {height} x {width}. Prepare images of another size, or use fewer stages."
        )
    return [(height >> k, width >> k) for k in range(stages, -1, -1)]


def down(images: tf.Tensor) -> tf.Tensor:
    """Half the height and width, [B, H, W, C] to [B, H / 2, W / 2, C].

    Raises:
        UserError: height or width is odd.
    """
    level_sizes(*images.shape[1:3], stages=1)
    return tf.nn.avg_pool2d(images, ksize=2, strides=2, padding="VALID")


def up(images: tf.Tensor) -> tf.Tensor:
    """Twice the height and width, [B, H, W, C] to [B, 2 H, 2 W, C]."""
    _, height, width, channels = images.shape
    tall = _interleaved(
        images,
        before=tf.concat([images[:, :1], images[:, :-1]], axis=1),
        after=tf.concat([images[:, 1:], images[:, -1:]], axis=1),
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


def coarse(images: tf.Tensor) -> tf.Tensor:
    """Images as the next smaller level represents them, at their own size: up(down(x))."""
    return up(down(images))


def levels(images: tf.Tensor, stages: int) -> list[tf.Tensor]:
    """The images at every size, from the base to the whole: a Gaussian pyramid."""
    pyramid = [images]
    for _ in range(stages):
        pyramid.insert(0, down(pyramid[0]))
    return pyramid


def decompose(images: tf.Tensor, stages: int) -> list[tf.Tensor]:
    """Images to their Laplacian pyramid: the base, and a residual for each stage.

    Raises:
        UserError: height or width is not a multiple of 2**stages.
    """
    level_sizes(*images.shape[1:3], stages=stages)
    base, *finer = levels(images, stages)
    return [base, *(level - coarse(level) for level in finer)]


def reconstruct(pyramid: Sequence[tf.Tensor]) -> tf.Tensor:
    """Images from their Laplacian pyramid: the inverse of `decompose`."""
    image, *residuals = pyramid
    for residual in residuals:
        image = up(image) + residual
    return image


def _interleaved(x, before, after, axis):
    """Each pixel becomes two, 3/4 of itself and 1/4 of its neighbour on that side."""
    return tf.stack([0.25 * before + 0.75 * x, 0.75 * x + 0.25 * after], axis=axis)
