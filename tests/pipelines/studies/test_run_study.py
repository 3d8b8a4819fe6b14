"""The studies of tiny models, and their command."""

import json

import pytest
from PIL import Image

from pipelines.cli import main
from pipelines.studies.run_study import STUDIES, study
from pipelines.studies.study_context import StudyContext
from t2i_tf.errors import UsageError, UserError
from tests.data_folders import make_examples, write_data_folder

pytestmark = pytest.mark.usefixtures("graphs_as_traced")


@pytest.fixture(scope="module")
def opened(align_run, scenes):
    return StudyContext.open(align_run, scenes.path)


@pytest.mark.parametrize("name", [n for n in STUDIES if n not in ("agreement", "copying", "bits")])
def test_every_study_writes_its_figures_and_its_json(opened, captioner_run, tmp_path, name):
    out = tmp_path / "new" / name
    found = study(name, opened, out, captioner=captioner_run, seeds=2, captions=5)
    assert sorted(out.iterdir()) == sorted([*found.figures, found.json])
    assert all(Image.open(path).format == "PNG" for path in found.figures)
    written = json.loads(found.json.read_text())
    assert written["study"] == found.name == name and written["text"] == found.text
    assert written["figures"] == [path.name for path in found.figures]
    assert len(written["table"]) == len(found.table)
    assert written["made"]["system"] == "alignDRAW" and written["made"]["data"]
    columns = set(found.table[0])
    if name != "alignment":
        assert "all" in columns  # of the judge or of the captioner
    if name in ("compositions", "cycle"):
        assert {"object", "background", "place"} <= columns
    if name == "cycle":
        assert [row["pictures"] for row in found.table] == ["drawn", "real"]
        assert len(written["cycles"]) == 5 and "BLEU-4" in columns


def test_the_command(align_run, tmp_path, capsys):
    flip = ["a red car is parked in the snow", "a blue car is parked in the snow"]
    arguments = ["study", "colours", *flip, "--workdir", str(align_run), "--seeds", "1"]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "Flipping the colour" in printed and "blue" in printed
    assert "outside" in printed and "…" not in printed
    assert str(tmp_path / "colours.png") in printed and str(tmp_path / "colours.json") in printed


def test_other_data_have_no_judge(run, captioner_run, tmp_path):
    photographs = run("align-draw", source="coco")
    captions = ["a red car is parked in the snow", "a blue car is parked in the snow"]
    found = study("compositions", photographs, tmp_path, sentences=captions, seeds=1)
    assert found.table == [{"caption": caption} for caption in captions]
    assert found.text.startswith("No judge")
    plain = ["red cats", "blue cats", "a man and a dog"]  # one has a word of the scenes
    found = study("cycle", photographs, tmp_path, sentences=plain, captioner=captioner_run)
    assert set(found.table[0]) == {"pictures", "BLEU-4", "CIDEr"}
    assert "are not compared" in found.text


@pytest.mark.parametrize("name", ["skip-thought-draw", "lapgan"])
def test_a_system_that_reads_no_words_is_refused(run, scenes, tmp_path, name):
    with pytest.raises(UserError, match="reads one vector for the whole sentence"):
        study("alignment", run(name), tmp_path, data=scenes.path)


def test_noaligndraw_attends_evenly(run, scenes, tmp_path):
    found = study("alignment", run("noalign-draw"), tmp_path, data=scenes.path, captions=4)
    assert found.details["margin"]["nats"] == pytest.approx(0, abs=1e-5)


def test_wrong_usage_is_refused(align_run, tmp_path):
    with pytest.raises(UsageError, match="Did you mean 'colours'"):
        study("colour", align_run, tmp_path)
    with pytest.raises(UsageError, match="Expected --seeds to be 1 or more, got 0"):
        study("colours", align_run, tmp_path, seeds=0)
    with pytest.raises(UsageError, match=r"Expected --seed to be 0 or more .* got -1"):
        study("colours", align_run, tmp_path, seed=-1)
    with pytest.raises(UsageError, match="--captioner"):
        study("cycle", align_run, tmp_path)


def test_other_data_than_the_runs_are_refused(align_run, tmp_path):
    small = write_data_folder(tmp_path / "small", {"train": make_examples(2)})
    with pytest.raises(UserError, match=r"16 x 16 x 3.* are 4 x 6 x 3"):
        StudyContext.open(align_run, small)
    others = {"train": make_examples(2, shape=(16, 16, 3))}
    with pytest.raises(UserError, match=r"vocabulary .* different"):
        StudyContext.open(align_run, write_data_folder(tmp_path / "others", others))


def test_a_folder_that_cannot_be_written_is_named(opened, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        study("compositions", opened, tmp_path / "file" / "out", seeds=1)
