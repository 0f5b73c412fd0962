"""content.json from a site that Zensical has built is that from the same site by MkDocs."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Project
from tests.hosts.small import CONFIG, PAGE, POST, succeeds

SETTINGS = CONFIG.replace("site_name: T", "site_name: T\nsite_url: https://x.test/a/").replace(
    "  - trellis-search", "  - tags\n  - trellis-search: {content: {}}"
)
TAGGED = POST.replace("---\n#", "tags: [a b, c]\ncategories: [Seq & Models]\n---\n#")


def written(root: Path) -> Project:
    root.mkdir()
    project = Project(root.resolve())
    project.write("mkdocs.yml", SETTINGS)
    project.write("docs/index.md", "# Front\n")
    project.write("docs/tags.md", "# Tags\n\n<!-- material/tags -->\n")
    project.write("docs/page.md", PAGE)
    project.write("docs/posts/post.md", TAGGED)
    project.write("docs/posts/out.md", POST.replace("---\n#", "search: {exclude: true}\n---\n#"))
    project.write("lib.py", "def answer():\n    return 41\n")
    return project


def test_content_json_is_the_same_by_both_hosts(tmp_path):
    """Titles, dates, texts, excerpts, and where tags and categories are listed."""
    ours, theirs = written(tmp_path / "ours"), written(tmp_path / "theirs")
    succeeds(ours, "mkdocs", "build")
    succeeds(theirs, "site_plugins", "run")
    succeeds(theirs, "zensical", "build")
    succeeds(theirs, "site_plugins", "index")
    expected, found = (
        json.loads((one.root / "site" / "content.json").read_text(encoding="utf-8"))
        for one in (ours, theirs)
    )
    assert [one["path"] for one in expected["posts"]] == ["post/"]
    assert expected["posts"][0]["categories"][0]["permalink"].startswith("https://x.test/a/cat")
    for listing in (expected, found):  # the words of tags.md are the theme's, not the author's
        listing["pages"] = [one for one in listing["pages"] if one["path"] != "tags/"]
        assert len(listing["pages"]) == 2
    assert found == expected
