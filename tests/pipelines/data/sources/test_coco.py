import json

import pytest

from pipelines.data.sources.assembly.caption_text import BEYOND_FIVE, EMPTY
from pipelines.data.sources.assembly.split_choice import Division
from pipelines.data.sources.coco import NAMED_BY_ADDRESS, ORPHANS, CocoSource
from pipelines.data.sources.detect import Hints, find_source
from pipelines.data.sources.karpathy import KarpathySource
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
    write_captions(
        tmp_path,
        "val2014",
        [{"id": 4, "file_name": "c.jpg"}],
        [{"image_id": 4, "caption": "a"}, {"image_id": 77, "caption": "of no picture"}],
    )
    return tmp_path


def test_official_layout(root):
    source = CocoSource(root)
    train = source.splits()["train"]
    assert [example.id for example in train] == ["3", "9"]
    assert train[1].picture == root / "train2014" / "b.jpg"
    assert train[1].captions == tuple(f"caption {k}" for k in range(5))
    assert source.name == "coco"
    assert source.facts() == {"annotations": ["captions_train2014.json", "captions_val2014.json"]}


def test_what_is_left_out_is_counted(root):
    source = CocoSource(root)
    source.splits()
    counts = {note["what"]: (note["count"], note["first"]) for note in source.notes.as_json()}
    assert counts == {
        EMPTY: (1, ["a.jpg"]),
        BEYOND_FIVE: (2, ["b.jpg"]),
        ORPHANS: (1, ["image_id 77 of captions_val2014.json"]),
    }


@pytest.mark.parametrize("where", ["train2014", "images/train2014", "images", "."])
@pytest.mark.parametrize("prefix", ["", "train2014/"])
def test_pictures_are_found_where_people_put_them(tmp_path, where, prefix):
    images = [{"id": k, "file_name": f"{prefix}{k}.jpg"} for k in range(3)]
    write_captions(tmp_path, "train2014", images, [])
    (tmp_path / "train2014").rmdir()
    (tmp_path / where).mkdir(parents=True, exist_ok=True)
    for k in range(3):
        (tmp_path / where / f"{k}.jpg").touch()
    examples = [one for split in CocoSource(tmp_path).splits().values() for one in split]
    assert sorted(one.picture.resolve() for one in examples) == [
        (tmp_path / where / f"{k}.jpg").resolve() for k in range(3)
    ]


def test_an_id_of_two_pictures_is_refused(tmp_path):
    images = [{"id": 1, "file_name": "dog.jpg"}, {"id": 1, "file_name": "cat.jpg"}]
    write_captions(tmp_path, "train2014", images, [{"image_id": 1, "caption": "a dog"}])
    with pytest.raises(UserError, match=r"id 1 belongs to two pictures, 'dog\.jpg' and 'cat"):
        CocoSource(tmp_path).splits()


def test_two_ids_of_one_picture_are_one_example(tmp_path):
    images = [{"id": k, "file_name": "dog.jpg" if k < 3 else f"{k}.jpg"} for k in (1, 2, 3)]
    captions = [{"image_id": k, "caption": f"caption {k}"} for k in (1, 2, 3)]
    write_captions(tmp_path, "train", images, captions)
    write_captions(tmp_path, "val", [], [])
    source = CocoSource(tmp_path, division=Division(val=0, replaces=True))
    examples = {one.id: one.captions for one in source.splits()["train"]}
    assert examples.get("1", ("caption 1", "caption 2")) == ("caption 1", "caption 2")
    assert "2" not in examples
    assert any("id 2 is id 1" in line for line in source.notes.lines())


def test_one_picture_in_two_splits_is_refused(tmp_path):
    for name in ("train2014", "val2014"):
        write_captions(tmp_path, name, [{"id": 1, "file_name": "train2014/a.jpg"}], [])
    (tmp_path / "train2014" / "a.jpg").touch()
    with pytest.raises(UserError, match=r"a\.jpg is both in the split train and in val"):
        CocoSource(tmp_path).splits()


def test_a_validation_split_is_made_where_there_is_none(tmp_path):
    images = [{"id": k, "file_name": f"{k}.jpg"} for k in range(100)]
    write_captions(tmp_path, "train2014", images, [])
    source = CocoSource(tmp_path)
    splits = source.splits()
    assert len(splits["train"]) + len(splits["val"]) == 100 and 3 < len(splits["val"]) < 20
    assert f"{len(splits['val'])} of the 100 training pictures" in source.notes.lines()[-1]
    assert CocoSource(tmp_path).splits() == splits


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
    splits = KarpathySource(tmp_path, file, Division()).splits()
    assert {name: len(examples) for name, examples in splits.items()} == {
        "train": 2,
        "val": 1,
        "test": 1,
    }
    assert [example.id for example in splits["train"]] == ["9", "10"]
    assert splits["train"][0].picture == tmp_path / "val2014" / "1.jpg"
    assert len(splits["test"][0].captions) == 5

    images[2]["split"] = "extra"
    file.write_text(json.dumps({"images": images}))
    with pytest.raises(UserError, match=r"images\[2\].*unknown split 'extra', expected one of"):
        KarpathySource(tmp_path, file, Division()).splits()
    anew = Division(0.25, 0.25, replaces=True)
    assert sum(map(len, KarpathySource(tmp_path, file, anew).splits().values())) == 4


def test_karpathys_captions_of_words_alone(tmp_path):
    images = [
        {"filename": f"{k}.jpg", "split": "train", "sentences": [{"tokens": ["a", "dog"]}]}
        for k in range(2)
    ]
    (tmp_path / "dataset_rsicd.json").write_text(json.dumps({"images": images}))
    source = find_source(tmp_path, None, Hints()).source
    assert {one.captions for one in source.splits()["train"]} == {("a dog",)}


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (
            b'{"images": [], "annotations": [{"image_id": 1.5, "caption": "a"}]}',
            r"Expected `int \| str`, got `float` - at `\$\.annotations\[0\]\.image_id`",
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


def test_ids_as_text_and_pictures_that_only_their_address_names(tmp_path):
    images = [{"id": "7", "coco_url": "http://x/train2017/a%20b.jpg"}, {"id": 8, "file_name": "c"}]
    captions = [{"image_id": 7, "caption": None}, {"image_id": "7", "caption": "a dog"}]
    write_captions(tmp_path, "train", images, captions)
    (tmp_path / "train" / "a b.jpg").touch()
    source = CocoSource(tmp_path, division=Division(val=0, test=0, replaces=True))
    first = source.splits()["train"][0]
    assert (first.id, first.picture.name, first.captions) == ("7", "a b.jpg", ("a dog",))
    assert any(line.startswith(NAMED_BY_ADDRESS) for line in source.notes.lines())
    write_captions(tmp_path, "train", [{"id": 7}], [])
    with pytest.raises(UserError, match=r"the picture with the id 7 has no `file_name`"):
        CocoSource(tmp_path).splits()
