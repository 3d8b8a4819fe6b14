"""The Fréchet distance of two sets of images, computed from features of the images."""

import numpy as np

from t2i_tf.metrics.pairwise_distance import check_features


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """The squared Fréchet distance of two Gaussians with the sets' means and covariances.

        |m_a - m_b|^2 + tr(C_a) + tr(C_b) - 2 tr((C_a C_b)^(1/2))

    With features of InceptionV3 it is called FID (Heusel et al. 2017). It is biased: sets of one
    distribution have a positive distance, which shrinks as the sets grow. Compare sets of equal
    sizes only, beside the distance of two sets of real images of that size.

    The trace of the root is the sum of the singular values of A B^T, where A and B are the centred
    features divided by the root of their number less one. No root of a matrix is taken, and fewer
    rows than D do no harm.

    Args:
        a, b: features [A, D] and [B, D], at least two rows each.

    Raises:
        ValueError: the shapes do not match, or features are not finite.
    """
    check_features(a=a, b=b)
    if min(len(a), len(b)) < 2:
        raise ValueError(f"Expected at least two rows each, got {len(a)} and {len(b)}.")
    (mean_a, root_a), (mean_b, root_b) = _mean_and_root(a), _mean_and_root(b)
    common = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    traces = (root_a**2).sum() + (root_b**2).sum()
    return max(float(((mean_a - mean_b) ** 2).sum() + traces - 2 * common), 0.0)


def _mean_and_root(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean [D], and a matrix R [at most D, D] with R^T R = the covariance."""
    rows = rows.astype(np.float64)
    mean = rows.mean(0)
    root = (rows - mean) / np.sqrt(len(rows) - 1)
    return mean, np.linalg.qr(root, mode="r") if len(root) > root.shape[1] else root
