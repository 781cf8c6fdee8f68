from tests.sse.tables import BLOCK, DOCUMENT, TABLES, renew


def test_tables_of_the_documentation_are_those_of_the_corpus() -> None:
    document = DOCUMENT.read_text()

    assert [block[1] for block in BLOCK.finditer(document)] == list(TABLES)
    assert document == renew(document), "run: python -m tests.sse.tables"
