"""Hints and errors have the commands in the form in which the user typed this one."""

import pytest

from pipelines import cli, commands, t2i
from pipelines.typed_form import as_typed, type_as
from t2i_tf.presets import PRESETS
from tests.t2i_tf.authors.authors_files import coco_files


@pytest.fixture(autouse=True)
def form():
    yield
    type_as(None)


def test_the_hint_after_a_training_repeats_the_form():
    options = cli.parse(["train", "--preset", "align-draw-tiny", "--data", "d", "--workdir", "a b"])
    expected = "--workdir 'a b' \"a red bus\""
    assert commands._next_command(options, "a red bus") == (
        f"python -m pipelines generate {expected}"
    )
    type_as(t2i.retyped)
    assert commands._next_command(options, "a red bus") == f"t2i draw {expected}"


@pytest.mark.parametrize("typed", [(t2i.main, "t2i draw"), (cli.main, "python -m pipelines gen")])
def test_the_hint_after_an_import_repeats_the_form(tmp_path, capsys, typed):
    main, form = typed
    weights, _ = coco_files(tmp_path)
    assert main(["import-weights", str(weights), "--workdir", str(tmp_path / "run")]) == 0
    assert f"Next: {form}" in capsys.readouterr().out


def test_errors_repeat_the_form(tmp_path, capsys):
    (tmp_path / "other").mkdir()
    given = ["a bus", "--workdir", str(tmp_path / "other")]
    assert t2i.main(["draw", *given]) == 1
    assert "`t2i train --workdir`" in capsys.readouterr().err
    assert cli.main(["generate", *given]) == 1
    assert "`python -m pipelines train --workdir`" in capsys.readouterr().err
    assert t2i.main(["export", "--workdir", given[-1], "--out", str(tmp_path / "out")]) == 1
    assert "`t2i train --workdir`" in capsys.readouterr().err


def test_every_command_of_the_hints_has_a_short_form():
    type_as(t2i.retyped)
    texts = [text for one in PRESETS.values() for text in (one.next, one.data, one.command("x"))]
    assert not [text for text in texts if "python -m" in as_typed(text)]
    assert as_typed("python -m serving demo --workdir w") == "t2i serving-demo --workdir w"
    assert as_typed("python -m pipelines nonsense") == "python -m pipelines nonsense"
