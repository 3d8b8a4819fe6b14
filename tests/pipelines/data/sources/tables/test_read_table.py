import json
import sys

import pytest

from pipelines.data.sources.notes import Notes
from pipelines.data.sources.tables import delimited_rows
from pipelines.data.sources.tables.caption_cells import BRACKETED, captions_in_text
from pipelines.data.sources.tables.columns import WantedColumns
from pipelines.data.sources.tables.read_table import read_rows
from t2i_tf.errors import UserError


def rows_of(tmp_path, name, text, **wanted):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    notes = Notes()
    rows = list(read_rows(path, WantedColumns(**wanted), notes))
    return [(row.file, *row.captions) for row in rows], notes


PAIRS = [("a.jpg", "a dog, asleep"), ("b.jpg", "ein Hündchen")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.csv", 'file,caption\na.jpg,"a dog, asleep"\nb.jpg,ein Hündchen\n'),
        ("c.csv", 'Image,Caption\r\na.jpg,"a dog, asleep"\r\nb.jpg,ein Hündchen\r\n'),
        ("captions.txt", 'image,caption\na.jpg,"a dog, asleep"\n\nb.jpg,ein Hündchen'),
        ("c.csv", "file;caption\na.jpg;a dog, asleep\nb.jpg;ein Hündchen;\n"),
        ("c.tsv", "filename\ttext\na.jpg\ta dog, asleep\nb.jpg\tein Hündchen\n"),
        ("results.csv", "image_name| comment\na.jpg|a dog, asleep\nb.jpg|ein Hündchen\n"),
        ("c.csv", 'a.jpg,"a dog, asleep"\nb.jpg,ein Hündchen\n'),
        ("c.jsonl", "\n".join(json.dumps({"file_name": a, "text": b}) for a, b in PAIRS)),
        ("c.json", json.dumps([{"image": a, "prompt": b} for a, b in PAIRS])),
        ("c.json", json.dumps({a: [b] for a, b in PAIRS})),
        ("c.json", json.dumps({"data": [{"path": a, "sentences": [b]} for a, b in PAIRS]})),
        (
            "c.json",
            json.dumps(
                {
                    "images": [{"id": k, "file_name": a} for k, (a, _) in enumerate(PAIRS)],
                    "annotations": [
                        {"image_id": k, "caption": b} for k, (_, b) in enumerate(PAIRS)
                    ],
                }
            ),
        ),
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_one_table_in_many_forms(tmp_path, name, text, mark):
    rows, _ = rows_of(tmp_path, name, mark + text.encode())
    assert rows == PAIRS


def test_columns_of_any_name(tmp_path):
    text = "datei,titel,titel2\na.jpg,eins,zwei\n"
    rows, _ = rows_of(tmp_path, "c.csv", text, file="datei", captions=("titel", "titel2"))
    assert rows == [("a.jpg", "eins", "zwei")]
    rows, _ = rows_of(tmp_path, "c.csv", "image,caption_0,caption_1\na.jpg,eins,zwei\n")
    assert rows == [("a.jpg", "eins", "zwei")]
    with pytest.raises(UserError, match="--file-column names 'x', but the columns are datei"):
        rows_of(tmp_path, "c.csv", text, file="x")


def test_flickr30ks_table_with_its_broken_row(tmp_path):
    text = "image_name| comment_number| comment\na.jpg| 0| Two dogs .\na.jpg| 4   A dog runs .\n"
    rows, notes = rows_of(tmp_path, "results.csv", text)
    assert [caption.strip() for _, caption in rows] == ["Two dogs .", "A dog runs ."]
    assert [note["what"] for note in notes.as_json()] == [
        "Columns of results.csv that are not read: 'comment_number'",
        delimited_rows.UNDIVIDED,
    ]


def test_an_unquoted_comma_does_not_cut_a_caption(tmp_path):
    text = "file,caption\na.jpg,A dog, running on grass, barks\nb.jpg,a\n"
    rows, notes = rows_of(tmp_path, "c.csv", text)
    assert rows == [("a.jpg", "A dog, running on grass, barks"), ("b.jpg", "a")]
    (note,) = notes.as_json()
    assert (note["what"], note["count"]) == (delimited_rows.REJOINED, 1)
    assert note["first"][0].endswith("line 2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "file,caption,split\na.jpg,a,train\nb.jpg,A dog, running,test\n",
            "line 3: 4 cells.*has 3",
        ),
        ('file,caption\na.jpg,a\nb.jpg,"A dog\nc.jpg,a\n', "line 3: a double quote is opened"),
        ('file,caption\na.jpg,"A dog\nc.jpg,a cat"\n', r"line 2: .*before the row of c\.jpg"),
        ('file,caption\na.jpg,"A\ndog",\n"b.jpg,cat\nc.jpg,a\n', "line 4: a double quote is open"),
        ('caption,file\n"A\ndog",a.jpg\n"a,b.jpg\nc,c.jpg\n', "line 4: a double quote is opened"),
        ('file,a,caption\na.jpg,"x\ny","A dog\nc.jpg,z,a"\n', r"line 3: .*the row of c\.jpg"),
        ('file,caption\na.jpg,"A dog\nb.jpg,"a cat, it sits"\n', "line 2: "),
        ('file,caption\na.jpg,"A dog" runs\n', "line 2: not CSV"),
        ("file,caption\n\n\na.jpg\n", "line 4: expected a file and a caption"),
        ("file,caption\n,a dog\n", "line 2: expected a file and a caption"),
        ("file,caption\na.jpg,\"['A dog', 'It's here']\"\n", "line 2: .*its quotes do not match"),
        ("what,ever\na.jpg,a\n", "--file-column and --caption-column"),
    ],
)
def test_errors_name_the_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        rows_of(tmp_path, "c.csv", text)


@pytest.mark.parametrize(
    ("text", "captions"),
    [
        ("['A dog', 'It runs']", ["A dog", "It runs"]),
        ('["A dog", "It\'s here"]', ["A dog", "It's here"]),
        ("['A dog', \"It's here\"]", ["A dog", "It's here"]),
        ("['A dog' 'It runs'\n 'Far']", ["A dog", "It runs", "Far"]),
        ("('A dog',)", ["A dog"]),
        ('["caf\\u00e9 \\/"]', ["café /"]),
        ("[]", []),
        ("{'A dog', 'It runs'}", ["A dog", "It runs"]),
        ("array(['A dog', 'It runs'], dtype=object)", ["A dog", "It runs"]),
        ("array(['A dog' 'It runs'], dtype='<U7')", ["A dog", "It runs"]),
        ("[nan, 'A dog', None]", ["A dog"]),
        ("set('x')", None),
        ("[a dog] runs", None),
        ("A dog ['x']", None),
        ("A dog", None),
        ("", None),
    ],
)
def test_lists_in_a_cell(text, captions):
    assert captions_in_text(text, "line 1") == captions


def test_brackets_that_become_words_are_counted(tmp_path):
    _, notes = rows_of(tmp_path, "c.csv", 'file,caption\na.jpg,"[a dog, a cat]"\nb.jpg,{x}\n')
    assert [note["count"] for note in notes.as_json() if note["what"] == BRACKETED] == [2]
    with pytest.raises(UserError, match="line 2: the caption looks like a list"):
        rows_of(tmp_path, "c.csv", "file,caption\na.jpg,\"{'en': 'a dog'}\"\n")


def test_a_split_column_in_any_case(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("file,caption,Split\na.jpg,a,Train\nb.jpg,b,validation\nc.jpg,c,TEST\n")
    rows = read_rows(path, WantedColumns(), Notes())
    assert [row.split for row in rows] == ["train", "val", "test"]


def test_parquet_needs_its_library_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match=r"pip install -r requirements-parquet\.txt"):
        rows_of(tmp_path, "c.parquet", b"PAR1")


def test_a_parquet_table(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"image": ["a.jpg", "b.jpg"], "text": [["a", "b"], ["c"]]})
    parquet.write_table(table, tmp_path / "c.parquet")
    rows = read_rows(tmp_path / "c.parquet", WantedColumns(), Notes())
    assert [(row.file, *row.captions) for row in rows] == [("a.jpg", "a", "b"), ("b.jpg", "c")]


@pytest.mark.parametrize(
    ("header", "captions"),
    [
        ("file,caption,caption", ("one", "two")),
        ("file,Caption,caption", ("one", "two")),
        ("file,caption,caption2", ("one", "two")),
        ("file,caption_0,caption_1", ("one", "two")),
        ("image,comment_number,comment", ("two",)),
    ],
)
def test_no_column_of_captions_is_lost(tmp_path, header, captions):
    rows, _ = rows_of(tmp_path, "c.csv", f"{header}\na.jpg,one,two\n")
    assert rows == [("a.jpg", *captions)]


@pytest.mark.parametrize("header", ["Image-Path,Text", "imagePath;Caption", "FILE NAME\tPrompt"])
def test_words_of_a_columns_name_are_joined_in_any_way(tmp_path, header):
    delimiter = next(one for one in ",;\t" if one in header)
    rows, _ = rows_of(tmp_path, "c.csv", f"{header}\na.jpg{delimiter}a dog\n")
    assert rows == [("a.jpg", "a dog")]


def test_empty_cells_at_the_end_of_a_header_cut_no_caption(tmp_path):
    rows, notes = rows_of(
        tmp_path, "c.csv", "file,caption,,\na.jpg,A dog, running, barks\nb.jpg,A cat,,\n"
    )
    assert rows == [("a.jpg", "A dog, running, barks"), ("b.jpg", "A cat")]
    assert delimited_rows.REJOINED in notes.lines()[0]


@pytest.mark.parametrize(
    "text",
    [
        'caption,file\n"A dog,p0.jpg\nA cat,p1.jpg\nA bird",p2.jpg\n',
        'caption,file\n"A dog,p0.jpg\nA bird",p2.jpg\n',
        'file,caption\np0,"A dog\np1,A cat\np2,A bird"\n',
        'caption,file\n"A dog,17\nA cat,18\nA bird",19\n',
    ],
)
def test_rows_that_an_unclosed_quote_swallows_are_refused(tmp_path, text):
    with pytest.raises(UserError, match=r"c\.csv, line 2: a double quote is opened here"):
        rows_of(tmp_path, "c.csv", text)


def test_a_caption_of_several_lines_is_no_swallowed_row(tmp_path):
    rows, _ = rows_of(tmp_path, "c.csv", 'file,caption\np0,"A dog\nruns, barks"\n')
    assert rows == [("p0", "A dog\nruns, barks")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.json", '{"file": "a.jpg", "caption": "x"}\n{"file": "b.jpg", "caption": "y"}\n'),
        ("c.jsonl", '[{"file": "a.jpg", "caption": "x"},\n{"file": "b.jpg", "caption": "y"}]'),
        ("c.json", '{"a.jpg": {"caption": "x"}, "b.jpg": {"caption": "y"}}'),
        ("c.csv", "sep=;\r\nfile;caption\r\na.jpg;x\r\nb.jpg;y\r\n"),
    ],
)
def test_further_forms_of_tables(tmp_path, name, text):
    rows, _ = rows_of(tmp_path, name, text)
    assert rows == [("a.jpg", "x"), ("b.jpg", "y")]


def test_quotes_behind_spaces_are_no_part_of_a_caption(tmp_path):
    text = 'file, caption\na.jpg, "a dog, asleep"\nb.jpg, "Hey", he said\nc.jpg,"a ""c"""\n'
    rows, notes = rows_of(tmp_path, "c.csv", text)
    assert rows == [("a.jpg", "a dog, asleep"), ("b.jpg", ' "Hey", he said'), ("c.jpg", 'a "c"')]
    assert any(line.startswith(f"{delimited_rows.UNQUOTED}: 1") for line in notes.lines())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_a_spreadsheets_unicode_text(tmp_path, encoding):
    mark = "\ufeff" if encoding[-3:] in ("-le", "-be") else ""
    text = f"{mark}file\tcaption\r\na.jpg\tein Hündchen\r\n".encode(encoding)
    rows, _ = rows_of(tmp_path, "c.txt", text)
    assert rows == [("a.jpg", "ein Hündchen")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_wide_text_without_a_mark_is_refused(tmp_path, encoding):
    with pytest.raises(UserError, match="found UTF-16 or UTF-32 without a byte order mark"):
        rows_of(tmp_path, "c.csv", "file,caption\na.jpg,a dog\n".encode(encoding))


def test_blank_lines_before_the_header(tmp_path):
    rows, _ = rows_of(tmp_path, "c.csv", "\n  \n\t\nfile,caption\na.jpg,x\n")
    assert rows == [("a.jpg", "x")]
    with pytest.raises(UserError, match=r"c\.csv, line 4"):
        rows_of(tmp_path, "c.csv", "\n  \nfile,caption\na.jpg\n")


def test_parquet_columns_of_one_name_are_refused(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = [pyarrow.array([one]) for one in ("a.jpg", "x", "y")]
    table = pyarrow.Table.from_arrays(columns, names=["file", "caption", "caption"])
    parquet.write_table(table, tmp_path / "c.parquet")
    with pytest.raises(UserError, match=r"2 columns are called 'caption'"):
        list(read_rows(tmp_path / "c.parquet", WantedColumns(), Notes()))
