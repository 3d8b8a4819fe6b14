"""A trained model to the module that an export holds: the contract's signatures.

The graph of an export holds what TensorFlow Serving runs anywhere: core operations alone, no XLA,
the vocabulary as a table, the averaged weights. Dimension 0 of every tensor is the batch, so that
requests can be joined; the noise comes from each request's own seed, so that an image does not
depend on its neighbours. Requests that cannot be answered fail with INVALID_ARGUMENT and a reason.
"""

from serving.export.captioner import ServedCaptioner
from serving.export.sentence_encoder import ServedSentenceEncoder
from serving.export.served_module import ServedModule
from serving.export.sharpener import ServedSharpener
from serving.export.text_to_image import ServedTextToImage
from t2i_tf.checkpoints import Trained

_BY_ABILITY = {
    "generate": ServedTextToImage,
    "sharpen": ServedSharpener,
    "describe": ServedCaptioner,
    "sentence_encoder": ServedSentenceEncoder,
}
"""Method of a model -> the module that serves it. A new system needs no entry of its own."""


def build_served_module(trained: Trained, sharpener: Trained | None = None) -> ServedModule:
    """The module that serves a trained model, by what the model can do.

    Args:
        trained: Any model.
        sharpener: Sharpener for the images of a text-to-image model.

    Raises:
        ServingError: a sharpener behind a model that does not draw, or of another image size.
    """
    if sharpener:
        return ServedTextToImage(trained, sharpener)
    kind = next(kind for name, kind in _BY_ABILITY.items() if hasattr(trained.model, name))
    return kind(trained)
