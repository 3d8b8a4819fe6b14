from pipelines.data.sources.assembly.assemble import Row, RowSource
from pipelines.data.sources.assembly.copies import KEPT_TOGETHER
from pipelines.data.sources.assembly.split_choice import Division


def splits_of(folder, split_of=None, **division):
    """The split of each of 40 files, of which k and k + 20 are copies."""
    for k in range(40):
        (folder / f"{k:02d}.jpg").write_bytes(b"%05d" % (k % 20) * 20_000)
    rows = [
        Row(f"{k:02d}.jpg", ("x",), f"line {k}", split_of(k) if split_of else None)
        for k in range(40)
    ]
    source = RowSource(lambda _: rows, [folder], folder, Division(**division))
    splits = source.splits()
    named = {int(one.id[:2]): split for split, found in splits.items() for one in found}
    counts = {note["what"]: note["count"] for note in source.notes.as_json()}
    return [named[k] for k in range(40)], counts.get(KEPT_TOGETHER, 0)


def test_chance_puts_copies_into_one_split(tmp_path):
    found, copies = splits_of(tmp_path, val=0.3, test=0.3)
    assert found[:20] == found[20:] and copies == 20
    assert set(found) == {"train", "val", "test"}


def test_validation_drawn_from_training_pictures_has_no_copies_of_others(tmp_path):
    found, copies = splits_of(tmp_path, lambda k: "test" if k in (3, 23, 24) else "train")
    train, val = ({k % 20 for k in range(40) if found[k] == one} for one in ("train", "val"))
    assert train & val == set() and val
    assert copies == 18  # 24 is where its table says, and 4 has no other copy to go with


def test_given_splits_are_obeyed(tmp_path):
    found, copies = splits_of(tmp_path, lambda k: ("train", "val")[k >= 20])
    assert found == ["train"] * 20 + ["val"] * 20 and copies == 0
