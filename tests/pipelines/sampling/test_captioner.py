import numpy as np
import pytest

from pipelines.sampling.captioner import Captioner
from t2i_tf import checkpoints
from t2i_tf.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 4, 6, 3), np.uint8)


@pytest.fixture(scope="module")
def trained(workdir):
    return checkpoints.load(workdir)


@pytest.fixture(scope="module")
def captioner(trained):
    return Captioner(trained)


def test_every_field_has_its_shape(captioner, trained):
    (one,) = captioner.describe(IMAGES[:1])
    assert 1 <= len(one.words) <= 7
    assert one.caption == " ".join(one.words)
    assert all(word in trained.vocabulary for word in one.words)
    assert one.attention.shape == (len(one.words), 4, 6)
    np.testing.assert_allclose(one.attention.sum((1, 2)), 1, rtol=1e-5)
    assert one.log_probability < 0


def test_a_picture_has_one_caption_alone_or_among_others_and_one_graph(captioner):
    together = captioner.describe(IMAGES)
    assert len(together) == 40 and len({one.caption for one in together}) > 1
    for k in (0, 31, 32, 39):
        (alone,) = captioner.describe(IMAGES[k : k + 1])
        assert alone.caption == together[k].caption
        assert alone.log_probability == pytest.approx(together[k].log_probability, rel=1e-5)
    assert captioner._describe.experimental_get_tracing_count() == 1


def test_no_pictures_have_no_captions(captioner):
    assert captioner.describe(IMAGES[:0]) == []


def test_the_beam_is_passed_on(captioner, trained):
    narrow, wide = (
        np.mean([one.log_probability for one in some.describe(IMAGES)])
        for some in (Captioner(trained, beam=1), captioner)
    )
    assert narrow != wide


def test_pictures_of_another_size_are_refused(captioner):
    with pytest.raises(UserError, match=r"^Expected images of 4 x 6 x 3"):
        captioner.describe(np.zeros((1, 5, 6, 3), np.uint8))


def test_a_model_that_describes_nothing_is_refused(trained):
    with pytest.raises(
        UserError, match="Expected a captioner, the work folder or preset holds object"
    ):
        Captioner(trained._replace(model=object()))
