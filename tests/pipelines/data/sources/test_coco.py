import json

import pytest

from pipelines.data.sources.coco import CocoSource
from t2i_tf.errors import UserError


def write_captions(root, name, images, annotations):
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    (root / name).mkdir(exist_ok=True)
    (root / "annotations" / f"captions_{name}.json").write_text(
        json.dumps({"info": {}, "images": images, "annotations": annotations})
    )


@pytest.fixture
def root(tmp_path):
    images = [
        {"id": 9, "file_name": "b.jpg", "height": 480},
        {"id": 3, "file_name": "a.jpg", "attributes": {"colour": "red"}},
    ]
    annotations = [{"id": k, "image_id": 9, "caption": f" caption {k}\n"} for k in range(7)]
    annotations.insert(0, {"id": 8, "image_id": 3, "caption": "  "})
    write_captions(tmp_path, "train2014", images, annotations)
    write_captions(tmp_path, "val2014", [], [])
    return tmp_path


def test_official_layout(root):
    source = CocoSource(root)
    train = source.splits()["train"]
    assert [example.id for example in train] == ["3", "9"]
    assert train[1].picture == root / "train2014" / "b.jpg"
    assert train[1].captions == tuple(f"caption {k}" for k in range(5))
    assert source.name == "coco"
    assert source.facts() == {"annotations": ["captions_train2014.json", "captions_val2014.json"]}


def test_attributes_and_empty_captions(root):
    first = CocoSource(root).splits()["train"][0]
    assert first.attributes == {"colour": "red"}
    assert first.captions == ()  # prepare skips it, with the reason


def test_scenes_folder(tmp_path):
    image = {"id": 1, "file_name": "1.jpg"}
    for name in ("train", "val", "test", "held_out"):
        write_captions(tmp_path, name, [image], [{"image_id": 1, "caption": "a"}])
    (tmp_path / "scenes.json").write_text('{"seed": 5}')
    source = CocoSource(tmp_path)
    assert set(source.splits()) == {"train", "val", "test", "held_out"}
    assert source.name == "scenes"
    assert source.facts()["seed"] == 5


def test_two_years_need_a_choice(root):
    write_captions(root, "train2017", [{"id": 1, "file_name": "c.jpg"}], [])
    with pytest.raises(UserError, match=r"train2014\.json and captions_train2017\.json"):
        CocoSource(root)
    assert CocoSource(root, year="2017").splits()["train"][0].id == "1"


def test_karpathy_splits(tmp_path):
    images = [
        {
            "cocoid": 10 - k,
            "filepath": "val2014",
            "filename": f"{k}.jpg",
            "split": split,
            "sentences": [{"raw": f"caption {n}", "tokens": []} for n in range(6)],
        }
        for k, split in enumerate(["train", "restval", "val", "test"])
    ]
    file = tmp_path / "dataset_coco.json"
    file.write_text(json.dumps({"images": images}))
    splits = CocoSource(tmp_path, karpathy=file).splits()
    assert {name: len(examples) for name, examples in splits.items()} == {
        "train": 2,
        "val": 1,
        "test": 1,
    }
    assert [example.id for example in splits["train"]] == ["9", "10"]
    assert splits["train"][0].picture == tmp_path / "val2014" / "1.jpg"
    assert len(splits["test"][0].captions) == 5

    images[2]["split"] = "dev"
    file.write_text(json.dumps({"images": images}))
    with pytest.raises(UserError, match=r"images\[2\]\.split.*expected one of.*'dev'"):
        CocoSource(tmp_path, karpathy=file).splits()


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (
            b'{"images": [], "annotations": [{"image_id": "x", "caption": "a"}]}',
            r"Expected `int`, got `str` - at `\$\.annotations\[0\]\.image_id`",
        ),
        (b'{"images": []}', "missing required field `annotations`"),
        (b'{"images": [', "not JSON"),
        (b'{"images": "\xe9"}', r"expected UTF-8 text, found byte 0xe9 at offset 12"),
        (b" \n", "the file is empty"),
    ],
)
def test_bad_annotations(root, contents, message):
    (root / "annotations" / "captions_train2014.json").write_bytes(contents)
    with pytest.raises(UserError, match=message) as error:
        CocoSource(root).splits()
    assert "captions_train2014.json" in str(error.value)


def test_missing_folders(tmp_path, root):
    with pytest.raises(UserError, match=r"expected annotations/captions_train2014\.json"):
        CocoSource(tmp_path / "nowhere")
    (root / "train2014").rmdir()
    with pytest.raises(UserError, match="which does not exist"):
        CocoSource(root).splits()
