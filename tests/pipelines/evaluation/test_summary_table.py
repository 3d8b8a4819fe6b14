import msgspec
import pytest

from pipelines.evaluation.results import Evaluation
from pipelines.evaluation.summary_table import (
    evaluation_figures,
    evaluation_notes,
    evaluation_table,
)
from tests.pipelines.evaluation.evaluations import evaluation, figure

RUN = {
    "workdir": "runs/scenes",
    "config": "DrawConfig",
    "model": "AlignDRAW",
    "weights": 9,
    "step": 120,
    "last_step": 120,
    "seconds": 60.0,
    "budget_spent": 1.0,
    "finished": True,
    "same_data": True,
}


def measured(own=None, steering=None):
    plain = evaluation() | {"run": RUN}
    plain["bound"] |= {"own": own}
    plain["settings"] |= {"steering": steering}
    return msgspec.convert(plain, Evaluation)


def names(result):
    return [name for name, *_ in evaluation_figures(result)]


def test_a_bound_by_another_likelihood_is_not_taken_for_the_papers():
    """The paper's convention is named, and the nats of the training stand beside it, named too."""
    own = {"train": figure(-11_000.0), "test": figure(-11_200.0)}
    found = measured(own)
    rows = {name: value for name, value, _ in evaluation_figures(found)}
    assert rows["Bernoulli bound: test, nats"] == "-1,550.0"
    assert rows["bound by its own likelihood: train, nats"] == "-11,000.0"
    assert rows["bound by its own likelihood: test, nats"] == "-11,200.0"
    assert rows["importance-weighted Bernoulli bound, K = 50, nats"] == "-1,540.0"
    assert not any(name.startswith(("bound: ", "importance-weighted bound")) for name in rows)
    (note,) = (note for note in evaluation_notes(found) if "likelihood" in note)
    assert "only with those of systems that have the same likelihood" in note


def test_a_bound_by_the_papers_likelihood_is_called_a_bound():
    found = measured()
    assert "bound: test, nats" in names(found)
    assert not any("likelihood" in text for text in (*names(found), *evaluation_notes(found)))


def test_bounds_of_another_split_and_the_captions_of_diversity_are_named():
    plain = evaluation() | {"run": RUN}
    notes = " ".join(evaluation_notes(msgspec.convert(plain, Evaluation)))
    assert "are of the split" not in notes and "Diversity is over 9 of the captions" in notes
    plain["settings"] |= {"split": "val"}
    plain["diversity"] |= {"real": None}
    notes = " ".join(evaluation_notes(msgspec.convert(plain, Evaluation)))
    assert "The bounds called test are of the split 'val'." in notes and "Diversity" not in notes


@pytest.mark.parametrize(
    ("steering", "said"),
    [
        ({"guidance": 1.5, "best_of": 1}, "guidance 1.5"),
        (
            {"guidance": 1.0, "instead_of": "a blue bus", "best_of": 1},
            "guidance 1, away from 'a blue bus'",
        ),
        (
            {"guidance": 0.0, "best_of": 4, "captioner": "runs/captioner"},
            "best of 4 by the captioner runs/captioner",
        ),
    ],
)
def test_the_title_says_how_drawings_are_steered(steering, said):
    title = evaluation_table(measured(steering=steering)).title
    assert title == f"alignDRAW, step 120, 60 s of training, {said}"
