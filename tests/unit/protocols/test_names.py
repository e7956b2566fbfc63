from signseg_protocols.names import unknown_name


def test_offers_the_nearest_name_and_lists_the_known_ones():
    text = unknown_name("Thread 'a'", "unit", "it1", ["it_1", "v4_1"], remedy="Mend it.")
    assert text == (
        "Thread 'a' names the unit 'it1'. Did you mean 'it_1'? Known are: 'it_1', 'v4_1'. Mend it."
    )


def test_offers_nothing_that_is_not_near():
    assert "Did you mean" not in unknown_name("It", "unit", "xyz", ["it_1"], remedy="Mend it.")


def test_says_where_there_are_none():
    assert "Known are: none." in unknown_name("It", "unit", "xyz", [], remedy="Mend it.")


def test_does_not_list_hundreds():
    known = [f"unit_{index:03d}" for index in range(100)]
    text = unknown_name("It", "unit", "xyz", known, remedy="Mend it.")
    assert "'unit_019', and 80 more." in text
    assert "unit_020" not in text
