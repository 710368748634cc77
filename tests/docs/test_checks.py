"""The checks of prose, links and the built site find what they are for."""

from pathlib import Path

from infra.lint import links, phrases
from infra.site.check_site import loaded_from_elsewhere


def test_a_phrase_is_found_with_its_line_and_the_words_to_use() -> None:
    found = list(phrases.findings("docs/a.md", "A fine line.\nA stranger gets the popular list.\n"))
    assert found == ["docs/a.md:2: 'stranger': use an unknown listener"]


def test_real_output_in_code_is_not_prose() -> None:
    assert list(phrases.findings("docs/a.md", "```text\nnobody waits\n```\nIt prints `nobody waits`.\n")) == []


def test_the_docs_are_free_of_the_phrases() -> None:
    assert phrases.main() == 0


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "there.md").touch()
    for page in links.PAGES:
        (tmp_path / page).write_text("[here](docs/there.md#part) and [away](docs/gone.md)\n")
    (tmp_path / "Makefile").write_text("## see docs/lost.md\n")
    assert list(links.broken_links(tmp_path)) == [
        *(f"{page}:1: docs/gone.md does not exist" for page in links.PAGES),
        "Makefile:1: docs/lost.md does not exist",
    ]


def test_the_repository_links_to_pages_that_exist() -> None:
    assert links.main() == 0


def test_what_a_page_loads_from_another_host_is_found_and_what_it_links_to_is_not(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '<link rel="stylesheet" href="//fonts.example/a.css"><link rel="canonical" href="https://here.example/">'
        '<script src="https://cdn.example/b.js"></script><script src="own.js"></script>'
        '<a href="https://paper.example/">paper</a><style>@import "https://c.example/c.css";</style>'
    )
    (tmp_path / "site.css").write_text(
        "@font-face { src: url('https://d.example/d.woff2') } a { background: url(own.png) }"
    )
    assert list(loaded_from_elsewhere(tmp_path)) == [
        "page.html: //fonts.example/a.css",
        "page.html: https://cdn.example/b.js",
        "page.html: https://c.example/c.css",
        "site.css: https://d.example/d.woff2",
    ]
