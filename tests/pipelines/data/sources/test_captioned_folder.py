import json

import pytest

from pipelines.data.sources.captioned_folder import FolderSource
from t2i_tf.errors import UsageError, UserError


def write_csv(tmp_path, rows, header="file,caption"):
    table = tmp_path / "captions.csv"
    table.write_text("\n".join([header, *rows]) + "\n")
    return table


def all_examples(source):
    return {example.id: example for split in source.splits().values() for example in split}


def test_rows_of_one_file_are_its_captions(tmp_path):
    rows = ["b.jpg,a dog", 'a.jpg,"a cat, asleep"', "b.jpg,two dogs", *(["b.jpg,more"] * 9)]
    examples = all_examples(FolderSource(tmp_path, write_csv(tmp_path, rows)))
    assert examples["a.jpg"].captions == ("a cat, asleep",)
    assert examples["b.jpg"].captions == ("a dog", "two dogs", "more", "more", "more")
    assert examples["b.jpg"].picture == tmp_path / "b.jpg"


def test_csv_and_jsonl_give_the_same(tmp_path):
    table = write_csv(tmp_path, ["1.jpg,a", "x/2.jpg,ä"])
    lines = tmp_path / "captions.jsonl"
    rows = [{"file": "1.jpg", "caption": "a"}, {"file": "x/2.jpg", "caption": "ä", "by": "me"}]
    lines.write_text("\n\n".join(map(json.dumps, rows)))
    assert FolderSource(tmp_path, table).splits() == FolderSource(tmp_path, lines).splits()


def test_the_split_is_a_function_of_name_and_seed(tmp_path):
    names = [f"{k}.jpg,a" for k in range(2000)]
    splits = FolderSource(tmp_path, write_csv(tmp_path, names), val=0.2, test=0.1).splits()
    sizes = {name: len(examples) / 2000 for name, examples in splits.items()}
    assert sizes == pytest.approx({"train": 0.7, "val": 0.2, "test": 0.1}, abs=0.03)

    fewer = FolderSource(tmp_path, write_csv(tmp_path, names[::-2]), val=0.2, test=0.1).splits()
    for name, examples in fewer.items():
        assert {example.id for example in examples} <= {example.id for example in splits[name]}

    other = FolderSource(tmp_path, write_csv(tmp_path, names), val=0.2, test=0.1, seed=1).splits()
    assert other["test"] != splits["test"]


def test_a_spreadsheets_byte_order_mark(tmp_path):
    table = tmp_path / "captions.csv"
    table.write_bytes("\ufefffile,caption\r\n1.jpg,a\r\n".encode())
    assert set(all_examples(FolderSource(tmp_path, table))) == {"1.jpg"}


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("c.csv", b"name,text\n1.jpg,a\n", "header with `file` and `caption`, found name, text"),
        ("c.csv", b"file,caption\n1.jpg\n", "line 2: expected a file and a caption"),
        ("c.csv", b"file,caption\n", "no rows"),
        ("c.csv", b"file,caption\n1.jpg,caf\xe9\n", "expected UTF-8"),
        ("c.csv", b"", "empty"),
        ("c.jsonl", b'{"file": "1.jpg", "caption": "a"}\n{"file": 1}', r"line 2.*`\$\.file`"),
        ("c.jsonl", b'{"file": "1.jpg", "caption": "\xff"}', "expected UTF-8"),
        ("c.xlsx", b"PK", r"expected a \.csv or \.jsonl file"),
    ],
)
def test_bad_tables(tmp_path, name, contents, message):
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(UserError, match=message):
        FolderSource(tmp_path, tmp_path / name).splits()


def test_missing_table_folder_and_fractions(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        FolderSource(tmp_path, tmp_path / "none.csv").splits()
    with pytest.raises(UserError, match="expected a folder"):
        FolderSource(tmp_path / "none", write_csv(tmp_path, ["1.jpg,a"])).splits()
    with pytest.raises(UsageError, match="leave some pictures to train on"):
        FolderSource(tmp_path, tmp_path / "c.csv", val=0.5, test=0.5)


def test_a_file_in_place_of_the_pictures_is_called_so(tmp_path):
    table = write_csv(tmp_path, ["1.jpg,a"])
    with pytest.raises(UserError, match=r"captions\.csv: expected a folder .* but it is a file\."):
        FolderSource(table, table).splits()
