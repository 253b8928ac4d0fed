"""Charts are as long as their figures say, whatever those are."""

from flowpilot_http.pages.insights.charts import LETTERS, SHADES, Amount, bars, columns, week


def amounts(*numbers: int, filled: int | None = None) -> list[Amount]:
    return [Amount(name=f"The {number}", number=number, said=f"{number:,}", filled=filled) for number in numbers]


def test_the_longest_bar_takes_all_the_room_and_others_their_share() -> None:
    drawn = bars(amounts(40, 10, 0))

    assert [100, 25, 0] == [bar.wide for bar in drawn.bars]
    assert [100, 25, 0] == [bar.filled for bar in drawn.bars]


def test_of_a_bar_only_a_part_may_be_filled() -> None:
    (bar,) = bars(amounts(40, filled=10)).bars

    assert (100, 25) == (bar.wide, bar.filled)


def test_where_all_is_nought_nothing_is_long() -> None:
    assert [0, 0] == [bar.wide for bar in bars(amounts(0, 0)).bars]
    assert [0, 0] == [bar.high for bar in columns(amounts(0, 0)).columns]
    assert {0} == {cell.shade for cell in week({}).cells}


def test_columns_stand_in_the_room_there_is_however_many_they_are() -> None:
    for number in (1, 30, 400):
        drawn = columns(amounts(*range(1, number + 1)))

        assert 0 <= drawn.columns[0].at
        assert drawn.columns[-1].at + drawn.columns[-1].wide <= 100
        assert drawn.ground - 20 == drawn.columns[-1].high
        assert ("The 1", f"{number:,}") == (drawn.first, drawn.highest)


def test_without_anything_to_draw_there_is_a_drawing_all_the_same() -> None:
    assert ((), ()) == (columns([]).columns, bars([]).bars)


def test_an_hour_is_the_darker_the_more_there_is_in_it() -> None:
    drawn = week({0: 1, 30: 10, 167: 100})

    shades = {cell.title: cell.shade for cell in drawn.cells}
    assert (168, 1, 1, SHADES) == (len(drawn.cells), shades["Mon 0:00: 1"], shades["Tue 6:00: 10"], shades["Sun 23:00: 100"])
    assert 0 == shades["Mon 1:00: 0"]


def test_a_long_name_is_cut_where_it_is_drawn_and_whole_where_it_is_pointed_at() -> None:
    (bar,) = bars([Amount(name="x" * 300, number=1, said="1")]).bars

    assert (LETTERS, "x" * 300 + ": 1") == (len(bar.name), bar.title)
