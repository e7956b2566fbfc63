import math

from signseg_rig.report.result_table import result_lines
from signseg_rig.values import ProtocolResult


def test_an_estimate_stands_beside_its_interval():
    result = ProtocolResult(
        is_success=True,
        columns=("thread", "rise", "rise_low", "rise_high", "n_blocks", "p_low"),
        rows=(("a", 12.3456, 10.0, 14.0, 1200, 0.01), ("b", 1.0, math.nan, math.nan, 3, math.nan)),
        headings=("thread", "late less early", "from", "to", "blocks", "p"),
    )
    assert result_lines(result) == [
        ("thread", ("a", "b")),
        ("late less early [95 % interval]", ("12.3 [10, 14]", "1")),
        ("blocks", ("1200", "3")),
        ("p", ("0.01", "-")),
    ]


def test_results_without_words_show_the_names_of_their_columns():
    result = ProtocolResult(True, columns=("thread", "p_value"), rows=(("a", 0.05),))
    assert result_lines(result) == [("thread", ("a",)), ("p value", ("0.05",))]
    assert result_lines(ProtocolResult(True, (), ((), ()))) == []
    assert result_lines(ProtocolResult(True, ("thread",), ())) == [("thread", ())]
