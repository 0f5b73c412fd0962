"""Ids of pictures are made their own, and so is whatever refers to them; nothing else is."""

import pytest

from site_plugins.markup.pictures import own_ids


@pytest.mark.parametrize(
    "reference",
    ['href="#{}"', 'xlink:href="#{}"', 'style="fill: url(#{})"', "clip-path='url(\"#{}\")'"],
)
def test_references_follow_their_ids(reference):
    """Links, and the places in styles that name a gradient or a clipping path."""
    shape = f"<g {reference}/>"
    markup = f'<i id="a"/>{shape.format("a")}{shape.format("b")}'
    assert own_ids(markup, "x-") == f'<i id="x-a"/>{shape.format("x-a")}{shape.format("b")}'


def test_names_follow_their_ids():
    """What labels the picture for a screen reader is found by its id."""
    markup = '<svg aria-labelledby="t"><title id="t">T</title></svg>'
    assert own_ids(markup, "x-") == ('<svg aria-labelledby="x-t"><title id="x-t">T</title></svg>')


@pytest.mark.parametrize("other", ['data-id="a"', 'data-href="#a"', "curl(#a)"])
def test_what_only_looks_like_an_id_stays(other):
    """Another attribute or function whose name ends in the same letters."""
    assert own_ids(f'<i id="a" {other}/>', "x-") == f'<i id="x-a" {other}/>'
