import json
import re

import pytest

from pipelines.comparison import paper_results
from pipelines.comparison.table_layout import TEXTS
from pipelines.comparison.table_text import tables_json, tables_markdown, value_text
from pipelines.comparison.tables import ORACLE, Cell, build_tables
from tests.pipelines.evaluation.evaluations import (
    evaluation,
    figure,
    gan_evaluation,
    point,
    retrieval,
)

TITLES = [
    "LAPGAN",
    "Fully-Conn VAE",
    "Conv-Deconv VAE",
    "skipthoughtDRAW",
    "noalignDRAW",
    "alignDRAW",
]


@pytest.fixture
def tables():
    sharpened = evaluation(sharpened=figure(-1800.0))
    built = build_tables({"align-draw": sharpened, "lapgan": gan_evaluation()})
    return {table.name: table for table in built}


def cells(table, title):
    row = next(row for row in table.rows if row.title == title)
    return {column.key: cell for column, cell in zip(table.columns, row.cells, strict=True)}


def test_the_papers_tables_have_its_order_and_every_row(tables):
    for name in ("retrieval", "bound"):
        assert [row.title for row in tables[name].rows] == TITLES


def test_a_system_that_the_paper_does_not_have_comes_last_where_it_was_measured():
    built = build_tables({"conv-draw": evaluation("ConvDRAW"), "lapgan": gan_evaluation()})
    tables = {table.name: table for table in built}
    for name in ("retrieval", "bound"):
        rows = [row.title for row in tables[name].rows]
        assert rows[:7] == [*TITLES, "ConvDRAW"]
    cell = cells(tables["retrieval"], "ConvDRAW")["r_at_5"]
    assert cell.value == 7.5 and cell.paper is None


def test_a_result_has_its_interval_and_the_papers_value_beside_it(tables):
    cell = cells(tables["retrieval"], "alignDRAW")["r_at_5"]
    assert (cell.value, cell.low, cell.high, cell.paper.value) == (7.5, 7.0, 8.0, 14.0)
    assert cells(tables["bound"], "alignDRAW")["test_sharpened"].value == -1800.0
    row = cells(tables["retrieval"], "alignDRAW")
    assert (row["ssim"].value, row["ssim"].spread) == (0.25, 0.125)
    reported = row["ssim_uniform"].paper
    assert (reported.spread, reported.spread_mark, reported.mark) == (0.11, "R", "T")


def test_what_is_null_or_was_not_measured_is_a_dash(tables):
    gan = cells(tables["bound"], "LAPGAN")
    assert all(cell == Cell() for cell in gan.values())
    never = cells(tables["retrieval"], "noalignDRAW")["r_at_1"]
    assert never.value is None and never.paper.value == 2.8
    assert all(
        value_text(column, cell) == "-"
        for column, cell in zip(tables["bound"].columns, gan.values(), strict=True)
    )


def test_caption_accuracy_is_shown_by_kind_and_attribute_in_percent(tables):
    table = tables["captions"]
    assert [column.title for column in table.columns] == [
        "colour, seen",
        "background, seen",
        "object, seen",
        "colour, held out",
        "background, held out",
        "object, held out",
    ]
    assert [row.title for row in table.rows] == ["LAPGAN", "alignDRAW", "real pictures"]
    assert table.columns[0].text(table.rows[1].cells[0].value) == "90.0"
    assert table.rows[1].cells[2] == Cell()  # nothing was asked
    assert table.rows[-1].cells[0].value == 0.9 and table.rows[-1].cells[3] == Cell()


def test_variety_has_what_real_pictures_get(tables):
    assert cells(tables["variety"], "real pictures")["diversity"].value == 0.12
    assert cells(tables["variety"], "alignDRAW")["precision_classifier"].low is None
    assert "gradient" not in cells(tables["variety"], "alignDRAW")
    assert not any("inception" in column.key for column in tables["variety"].columns)
    seen = evaluation()
    seen["kid"]["inception"] = {"value": 0.02, "low": None, "high": None}
    wider = {table.name: table for table in build_tables({"align-draw": seen})}["variety"]
    assert cells(wider, "alignDRAW")["kid_inception"].value == 0.02
    assert cells(wider, "alignDRAW")["recall_inception"] == Cell()


def test_sharpness_has_a_column_if_it_was_measured():
    estimates = {"drawn": figure(0.03, 0.01), "real": figure(0.08, 0.01)}
    built = build_tables({"align-draw": evaluation() | {"gradient": estimates}})
    variety = {table.name: table for table in built}["variety"]
    assert cells(variety, "alignDRAW")["gradient"].value == 0.03
    assert cells(variety, "real pictures")["gradient"].value == 0.08


def test_no_note_repeats_itself():
    for _, note in TEXTS.values():
        sentences = re.split(r"(?<=[.,:;]) ", note)
        assert len(sentences) == len(set(sentences))


def test_a_note_explains_the_columns_that_there_are_and_says_by_which_likelihood_they_rank(tables):
    for name in ("variety", "protocols"):
        assert not re.search("open judge|empty caption", tables[name].note, re.IGNORECASE), name
    measured = evaluation()
    measured["retrieval"] |= {"empty_caption": retrieval(2.5)}
    measured["kid"]["efficientnet"] = point(0.0125)
    built = {table.name: table for table in build_tables({"align-draw": measured})}
    assert built["protocols"].note.endswith("that was trained with an empty caption.")
    assert "Open judge: the same by EfficientNet-Lite0" in built["variety"].note
    assert "likelihood that it was trained with" in tables["retrieval"].note
    assert "likelihood that it was trained with" in TEXTS["leads"][1]


def test_the_papers_ssi_is_beside_ours_by_the_library_that_it_seems_to_be_made_with(tables):
    of_ours, of_both = (
        cells(tables["retrieval"], "alignDRAW")[f"ssim{s}"] for s in ("", "_uniform")
    )
    assert (of_ours.value, of_ours.paper) == (0.25, None)
    assert (of_both.value, of_both.paper.value, of_both.paper.spread) == (None, 0.156, 0.11)
    measured = evaluation()
    measured["ssim"]["uniform"] = {"mean": figure(0.16), "spread": figure(0.09)}
    retrieval = {table.name: table for table in build_tables({"align-draw": measured})}["retrieval"]
    cell = cells(retrieval, "alignDRAW")["ssim_uniform"]
    assert (cell.value, cell.spread, cell.paper.value) == (0.16, 0.09, 0.156)


def test_bits_have_a_table_if_they_were_measured(tables):
    assert "bits" not in tables
    measured = evaluation()
    bits = {"test": figure(5.25), "importance_weighted": figure(5.125)}
    measured["bound"]["bits_per_dim"] = bits | {"importance_gain": figure(0.125)}
    built = build_tables({"align-draw": measured, "noalign-draw": evaluation("noalignDRAW")})
    table = {table.name: table for table in built}["bits"]
    assert [row.title for row in table.rows] == ["alignDRAW"]
    assert [cell.value for cell in table.rows[0].cells] == [5.25, 5.125]
    assert table.columns[0].text(5.25) == "5.250"


def test_variety_by_the_open_judge_has_the_frechet_distance_and_that_of_real_pictures():
    judged = evaluation()
    for key, value in (("kid", 0.02), ("frechet", 31.5)):
        judged[key] = judged.get(key, {}) | {"efficientnet": figure(value)}
    real = {name: figure(k) for k, name in enumerate(("precision", "recall", "kid", "frechet"))}
    judged["real_against_real"] = {"efficientnet": real}
    variety = {table.name: table for table in build_tables({"align-draw": judged})}["variety"]
    assert cells(variety, "alignDRAW")["frechet_efficientnet"].value == 31.5
    assert cells(variety, "real pictures")["frechet_efficientnet"].value == 3
    assert cells(variety, "real pictures")["recall_efficientnet"].value == 1


def test_held_out_retrieval_has_a_table_if_it_was_measured(tables):
    assert "held_out" not in tables
    held_out = retrieval(1.0) | {"minus_floor": retrieval(1.5), "ceiling": retrieval(2.0)}
    measured = evaluation()
    measured["retrieval"]["held_out"] = held_out
    built = {table.name: table for table in build_tables({"align-draw": measured})}
    table = built["held_out"]
    assert [row.title for row in table.rows] == ["alignDRAW", ORACLE]
    ours, oracle = (cells(table, row.title) for row in table.rows)
    assert (ours["gain_r_at_10"].value, ours["floor_r_at_10"].value) == (10.0, 15.0)
    assert oracle["gain_r_at_10"].value == oracle["floor_r_at_10"].value == 20.0


def test_the_ranking_by_the_empty_caption_has_columns_if_a_system_has_one(tables):
    assert not any("empty" in column.key for column in tables["protocols"].columns)
    measured = evaluation()
    held_out = retrieval(1.0) | {"empty_caption": retrieval(1.25)}
    measured["retrieval"] |= {"empty_caption": retrieval(2.5), "held_out": held_out}
    built = {table.name: table for table in build_tables({"align-draw": measured})}
    assert cells(built["protocols"], "alignDRAW")["empty_r_at_10"].value == 25.0
    assert cells(built["held_out"], "alignDRAW")["empty_r_at_10"].value == 12.5


def test_paired_differences_are_of_systems_with_the_same_candidates():
    subject, other = evaluation(), evaluation("noalignDRAW")
    subject["retrieval"]["ranks"], other["retrieval"]["ranks"] = [0, 0, 0, 4], [0, 3, 20, 4]
    built = build_tables({"align-draw": subject, "noalign-draw": other, "lapgan": gan_evaluation()})
    table = next(table for table in built if table.name == "leads")
    assert [row.title for row in table.rows] == ["noalignDRAW"]
    shown = cells(table, "noalignDRAW")
    assert (shown["gain_r_at_1"].value, shown["gain_r_at_10"].value) == (50.0, 25.0)
    assert shown["held_out_gain_r_at_1"] == Cell()
    alone = build_tables({"align-draw": subject, "lapgan": gan_evaluation()})
    assert "leads" not in {table.name for table in alone}


def test_data_without_a_judge_have_no_table_of_captions():
    built = build_tables({"align-draw": evaluation() | {"caption_accuracy": None}})
    assert "captions" not in {table.name for table in built}


def test_nothing_measured_leaves_the_papers_tables():
    built = build_tables({})
    assert [table.name for table in built] == ["retrieval", "bound"]
    assert cells(built[1], "alignDRAW")["train"].paper.value == -1792.15


def test_markdown(tables):
    text = tables_markdown(list(tables.values()), "Scenes.")
    lines = text.splitlines()
    assert lines[0] == "Scenes."
    row = next(line for line in lines if line.startswith("| alignDRAW | 1.5 (1.0 to 2.0) | 3.0 |"))
    assert "0.250 ± 0.125 (0.240 to 0.260) | - | 0.156 ± 0.110 | - |" in row
    assert "| LAPGAN | - | - | - | - |" in text
    bars = [line.count("|") for line in lines if line.startswith("|")]
    heads = [line.count("|") for line in lines if line.startswith(("| system", "|---"))]
    assert set(bars) <= set(heads)  # no cell has a bar of its own
    assert "recalled from the paper" in lines[-1]


def test_json_has_unrounded_values_and_nulls(tables):
    plain = json.loads(json.dumps(tables_json(list(tables.values()))))
    rows = {row["system"]: row["figures"] for row in plain[0]["rows"]}
    assert rows["align-draw"]["ssim"]["spread"] == 0.125
    assert rows["align-draw"]["r_at_1"]["paper"] == {
        "value": 3.0,
        "mark": "T",
        "spread": None,
        "spread_mark": "R",
    }
    assert plain[1]["rows"][0]["figures"]["test"] is None


def test_the_papers_results():
    """Section 4's tables, and that every mark is explained."""
    assert list(paper_results.PAPER_SYSTEMS.values()) == TITLES
    assert paper_results.RETRIEVAL["align-draw"]["r_at_50"].value == 68.5
    assert set(paper_results.RETRIEVAL["lapgan"]) == {"ssim_uniform"}
    assert set(paper_results.BOUNDS) == {"skip-thought-draw", "noalign-draw", "align-draw"}
    reported = [
        r
        for table in (paper_results.RETRIEVAL, paper_results.BOUNDS)
        for row in table.values()
        for r in row.values()
    ]
    assert {mark for r in reported for mark in (r.mark, r.spread_mark)} <= set(paper_results.MARKS)
