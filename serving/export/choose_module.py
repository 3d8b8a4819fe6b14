"""Trained models as modules with the contract's signatures: what an export holds.

The graph holds what TensorFlow Serving runs anywhere: core operations alone, no XLA, the vocabulary
as a table, the averaged weights. Dimension 0 of every tensor is the batch, so that requests can be
joined; noise comes from each request's own seed, so that a picture does not depend on its
neighbours. Requests that cannot be answered fail with INVALID_ARGUMENT and say why.
"""

from serving.export.captioner import ServedCaptioner
from serving.export.sentence_encoder import ServedEncoder
from serving.export.served_module import Served
from serving.export.sharpener import ServedSharpener
from serving.export.text_to_image import ServedDrawer
from t2i_tf.checkpoints import Trained

_BY_ABILITY = {
    "generate": ServedDrawer,
    "sharpen": ServedSharpener,
    "describe": ServedCaptioner,
    "sentence_encoder": ServedEncoder,
}


def served(trained: Trained, sharpener: Trained | None = None) -> Served:
    """The module that serves a trained model, by what the model can do.

    Args:
        trained: any model.
        sharpener: put behind a model that draws.

    Raises:
        ServingError: a sharpener behind a model that draws nothing, or of another picture size.
    """
    if sharpener:
        return ServedDrawer(trained, sharpener)
    kind = next(kind for name, kind in _BY_ABILITY.items() if hasattr(trained.model, name))
    return kind(trained)


__all__ = ["Served", "served"]
