import itertools

import numpy as np
import pytest

from t2i_tf.models import build_model
from t2i_tf.presets import TEST_PRESETS, preset

_COMPARED = 30  # values; independent ones are correlated by .9 in one case of 10^11


@pytest.mark.parametrize("name", sorted(TEST_PRESETS))
def test_no_two_weights_begin_with_the_same_values(name):
    model = build_model(preset(name).config.model, seed=0)
    random = {v.path: np.ravel(v)[:_COMPARED] for v in model.weights if "bias" not in v.path}
    random = {path: x for path, x in random.items() if x.size == _COMPARED and x.std() > 0}
    same = [
        (a, b)
        for a, b in itertools.combinations(random, 2)
        if np.corrcoef(random[a], random[b])[0, 1] > 0.9
    ]
    assert len(random) > 1
    assert same == []
