"""What a cell shows of its values: every form they offer, whatever they are, and not too much."""

import dataclasses
import tracemalloc
from collections import Counter, OrderedDict, defaultdict, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from site_plugins.engine.cache import Entry, Store
from site_plugins.engine.display import bundle
from site_plugins.engine.outputs import PageRun, Rich, Text
from site_plugins.engine.pictures import pixel_size
from site_plugins.engine.plain import ITEMS, plain
from site_plugins.engine.sources import Inputs
from tests.conftest import QUICK

LIMIT = 10_000


def shown(value, **options):
    """Return the forms of a value; nothing may be complained of."""

    def complain(error):
        raise error

    return bundle(value, options.pop("limit", LIMIT), complain, **options)


def rich(result, cell=0):
    return [one for one in result.run.cells[cell].outputs if isinstance(one, Rich)]


def printed(result, stream="stderr"):
    outputs = [one for cell in result.run.cells for one in cell.outputs]
    return "".join(one.text for one in outputs if isinstance(one, Text) and one.stream == stream)


# The forms that a value offers


@pytest.mark.parametrize(
    ("method", "mime", "content", "stored"),
    [
        ("_repr_html_", "text/html", "<b>", "<b>"),
        ("_repr_markdown_", "text/markdown", "*a*", "*a*"),
        ("_repr_latex_", "text/latex", "$x$", "$x$"),
        ("_repr_svg_", "image/svg+xml", "<?xml?><!DOCTYPE svg><svg/>", "<svg/>"),
        ("_repr_png_", "image/png", b"\x89PNG", "iVBORw=="),
        ("_repr_jpeg_", "image/jpeg", "/9j/\n4AA=", "/9j/4AA="),
        ("_repr_html_", "text/html", b"<i>\xff", "<i>\ufffd"),
        ("_repr_html_", "text/html", "\udc80", "\\udc80"),
    ],
)
def test_each_method_gives_its_form(method, mime, content, stored):
    """As text, bytes of a picture in base64; text/plain is always there."""
    kind = type("Value", (), {method: lambda self: content, "__repr__": lambda self: "V"})
    assert shown(kind()).data == {mime: stored, "text/plain": "V"}


@pytest.mark.parametrize("with_metadata", [False, True])
def test_a_mimebundle_is_asked_as_ipython_asks(with_metadata):
    """With include and exclude by keyword; its forms come before those of the other methods."""
    asked = []

    class Value:
        def _repr_mimebundle_(self, include=None, exclude=None):
            asked.append((include, exclude))
            made = {"text/html": "1", "image/png": b"x", "application/vnd.big+json": {"a": 1}}
            about = {"image/png": {"width": "30px", "height": 20.0, "alt": "A dot."}}
            return (made, about) if with_metadata else made

        def _repr_html_(self):
            return "2"

        def _repr_latex_(self):
            return "$x$"

    found = shown(Value(), exclude={"text/latex"})
    assert asked == [(None, {"text/latex"})]
    assert found.data.keys() == {"text/html", "image/png", "text/plain"}
    assert found.data["text/html"] == "1"
    picture = (found.width, found.height, found.alt)
    assert picture == ((30, 20, "A dot.") if with_metadata else (0, 0, ""))
    assert shown(Value(), include={"text/latex"}).data.keys() == {"text/latex", "text/plain"}


def test_a_form_that_raises_is_told_and_the_others_are_shown(project):
    """As a notebook does it, in the lines of the page; the cell has not failed."""
    source = (
        "class Half:\n"
        "    def _repr_html_(self):\n"
        "        raise ValueError('no \\udc80')\n"
        "    def _repr_latex_(self):\n"
        "        return '$x$'\n"
        "Half()"
    )
    result = project.run_cells(source)
    assert result.problems == ()
    said = printed(result)
    assert said.startswith('Traceback (most recent call last):\n  File "<cell 0>", line 3, in _re')
    assert said.endswith("ValueError: no \\udc80\n")
    assert "display.py" not in said
    (value,) = rich(result)
    assert value.data.keys() == {"text/latex", "text/plain"}


def test_a_repr_that_raises_fails_the_cell(project):
    """Nothing is left to show."""
    source = "class No:\n    def __repr__(self):\n        1 / 0\nNo()"
    (problem,) = project.run_cells(source).problems
    assert (problem.line, "ZeroDivisionError" in problem.message) == (4, True)


def test_an_object_that_answers_to_any_name_offers_nothing():
    """A mock or a proxy makes methods up; classes have them for their instances."""

    class Any:
        def __getattr__(self, name):
            return lambda **options: "made up"

    class Html:
        def _repr_html_(self):
            return "<b>"

    assert shown(Any()).data.keys() == {"text/plain"}
    assert shown(Html).data.keys() == {"text/plain"}


def test_a_form_that_is_too_long_is_left_out_and_told():
    """HTML cannot be cut; the text form can."""
    told = []
    kind = type("T", (), {"_repr_html_": lambda self: "x" * 99, "__repr__": lambda self: "y" * 99})
    found = bundle(kind(), 50, told.append)
    assert found.data == {"text/plain": "y" * 50 + "\n... truncated"}
    assert str(told[0]) == "text/html has 99 characters, 50 are shown"


# Arrays and tensors


@pytest.mark.parametrize(
    ("value", "note"),
    [
        ("np.zeros((2, 3))", "float64, shape (2, 3)"),
        ("np.array(3.0)", "float64, shape ()"),
        ("np.float64(3.0)", ""),
        ("np.bool_(True)", ""),
        ("np.array([])", "float64, shape (0,)"),
        ("np.ma.masked_array([1, 2], [0, 1])", "int64, shape (2,)"),
        ("scipy.sparse.eye_array(3)", ""),
        ("np.dtype('i4')", ""),
        ("torch.zeros(2, 2)", "float32, shape (2, 2)"),
        ("torch.tensor(1)", "int64, shape ()"),
        ("torch.ones(2, requires_grad=True).bfloat16()", "bfloat16, shape (2,)"),
    ],
)
def test_an_array_says_type_and_shape_where_its_text_does_not(value, note):
    """A scalar is no array, and who says both already need not hear it twice."""
    import numpy as np
    import scipy.sparse
    import torch

    names = {"np": np, "scipy": scipy, "torch": torch}
    assert shown(eval(value, names)).note == note


def test_what_offers_html_says_its_shape_itself():
    """As data frames do."""
    kind = type("F", (), {"shape": (1, 2), "dtype": "x", "_repr_html_": lambda self: "<table>"})
    assert shown(kind()).note == ""


# Too much


@pytest.mark.parametrize(
    "value",
    [
        [1, [2, {"a": (3,)}], {4, 5}],
        {"b": 1, "a": frozenset({2})},
        (),
        "text",
        b"bytes",
        bytearray(b"x"),
        deque([1, 2], 3),
        Counter("aab"),
        defaultdict(list, a=[1]),
        3.5,
        None,
    ],
)
def test_what_is_short_is_its_repr(value):
    """Nothing is lost or added."""
    assert plain(value, LIMIT) == repr(value)


VALUES = st.recursive(
    st.integers() | st.text() | st.binary() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)


@given(VALUES)
def test_any_value_is_its_repr_but_for_line_breaks(value):
    """As far as there is room; pprint may break long strings, so read it back."""
    assert eval(plain(value, 1 << 20)) == value


@pytest.mark.parametrize(
    ("value", "end"),
    [
        ("x" * 50_000_000, "... (50,000,000 in all)"),
        (b"\xff" * 50_000_000, "... (50,000,000 in all)"),
        ([0] * 10_000_000, "\n ...]"),
        ([[0] * 1000] * 1000, "\n ...]"),
        (["x" * 1_000_000] * 100, ""),
        ({i: i for i in range(1_000_000)}, "\n ...: ...}"),
        (set(range(1_000_000)), "\n ...}"),
        (deque(range(1_000_000)), "\n... 999,000 more"),
        (OrderedDict.fromkeys(range(1_000_000)), "\n... 999,000 more"),
    ],
)
def test_what_is_huge_is_never_made_into_huge_text(value, end):
    """Neither in memory nor on the page, and the end says that it was cut."""
    tracemalloc.start()
    text = plain(value, LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000
    assert len(text) < 10 * LIMIT
    assert text.endswith(end)
    assert "..." in text


def test_containers_stop_after_a_thousand_items_as_ipython_does():
    """At every level."""
    assert plain([[1] * (ITEMS + 1)], 1 << 20).count("1") == ITEMS
    assert plain([1] * ITEMS, 1 << 20).count("1") == ITEMS
    assert "..." not in plain([1] * ITEMS, 1 << 20)


def test_a_value_that_holds_itself_or_is_deep_ends():
    """No RecursionError, and no address that differs from run to run."""
    loop: list[object] = [1]
    loop.append(loop)
    assert plain(loop, LIMIT) == "[1, ...]"
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    assert "..." in plain(deep, LIMIT)


def test_a_huge_last_expression_costs_its_page_little(project):
    """200 MB of bytes, and an array of 200 MB that abbreviates itself."""
    settings = dataclasses.replace(QUICK, max_output=1000)
    result = project.run_cells(
        "bytes(200_000_000)",
        "import numpy as np\nnp.zeros(25_000_000)",
        "import resource\nresource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 700_000",
        settings=settings,
    )
    texts = [rich(result, cell)[0].data["text/plain"] for cell in range(3)]
    assert texts[0].endswith("... (200,000,000 in all)")
    assert len(texts[0]) < 5000
    assert texts[1] == "array([0., 0., 0., ..., 0., 0., 0.], shape=(25000000,))"
    assert texts[2] == "True"


# display() and IPython


def test_display_and_ipython_show_what_the_last_expression_would(project):
    """Imported or not, from IPython or not, from a module of the project too."""
    project.write("part.py", "from IPython.display import display, HTML\ndisplay(HTML('<p>'))\n")
    result = project.run_cells(
        "display(1, 2)",
        "from IPython.display import display\ndisplay(3)",
        "import IPython\nIPython.display.display(IPython.display.HTML('<b>'))",
        "import part",
        "from IPython import get_ipython as ours\n"
        "get_ipython(), ours(), IPython.version_info >= (8,)",
    )
    assert result.problems == ()
    texts = [[one.data["text/plain"] for one in rich(result, cell)] for cell in range(5)]
    assert texts[:2] == [["1", "2"], ["3"]]
    assert rich(result, 2)[0].data["text/html"] == "<b>"
    assert rich(result, 3)[0].data["text/html"] == "<p>"
    assert texts[4] == ["(None, None, True)"]


@pytest.mark.parametrize(
    ("made", "data"),
    [
        ("HTML('<b>')", {"text/html": "<b>"}),
        ("HTML(filename='a.txt')", {"text/html": "from file"}),
        ("Markdown('*a*')", {"text/markdown": "*a*", "text/plain": "*a*"}),
        ("Latex('$x$')", {"text/latex": "$x$", "text/plain": "$x$"}),
        ("Math('x')", {"text/latex": r"$\displaystyle x$"}),
        ("SVG('<?xml?><svg/>')", {"image/svg+xml": "<svg/>"}),
        ("Code('a```')", {"text/markdown": "````python\na```\n````", "text/plain": "a```"}),
        ("JSON('{\"a\": [1]}')", {"text/plain": '{\n  "a": [\n    1\n  ]\n}'}),
        ("JSON({'ü': None})", {"text/plain": '{\n  "ü": null\n}'}),
        ("Image(b'GIF89a\\x02\\x00\\x01\\x00')", {"image/gif": "R0lGODlhAgABAA=="}),
    ],
)
def test_the_classes_of_ipython_offer_their_forms(project, made, data):
    """Whether or not IPython is installed: these are ours."""
    project.write("a.txt", "from file")
    (found,) = rich(project.run_cells(f"from IPython.display import *\n{made}"))
    assert data.items() <= found.data.items()


def test_an_image_may_say_its_size_and_what_it_shows(project):
    """retina halves what the file says."""
    source = (
        "from IPython.display import Image\n"
        "gif = b'GIF89a\\x04\\x00\\x02\\x00'\n"
        "display(Image(gif, width=9, alt='A dot.'), Image(gif, retina=True))"
    )
    first, second = rich(project.run_cells(source))
    assert (first.width, first.height, first.alt) == (9, 0, "A dot.")
    assert (second.width, second.height) == (2, 1)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("display(1, display_id=True)", "an output cannot be updated; call clear_output()"),
        ("update_display(1, display_id='a')", "an output cannot be updated"),
        ("HTML(url='https://x.test/')", "a page fetches nothing while it is built, got 'https"),
        ("Image('http://x.test/a.png')", "a page fetches nothing while it is built, got 'http"),
        ("Image(b'BM')", "Image: expected PNG, JPEG, GIF, got b'BM'"),
        ("SVG()", "SVG: expected data or a filename, got neither"),
        ("HTML('', confined=1)", "HTML takes no confined in a page"),
        (
            "from IPython.display import Audio",
            "IPython.display has no 'Audio' in a page, only Code",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(project, made, said):
    """And fails the cell: it must not pass in silence."""
    (problem,) = project.run_cells(f"from IPython.display import *\n{made}").problems
    assert said in problem.message


def test_clear_output_drops_what_the_cell_has_shown(project):
    """Printed text too; with wait=True when something new comes; other cells keep theirs."""
    result = project.run_cells(
        "print('kept')",
        "from IPython.display import clear_output\n"
        "print('a')\ndisplay(1)\nclear_output()\nprint('b')",
        "print('a')\nclear_output(wait=True)\nprint('b')",
        "print('a')\nclear_output(wait=True)",
        "display('a')\ndisplay('b', clear=True)",
    )
    outputs = [cell.outputs for cell in result.run.cells]
    assert outputs[:4] == [(Text("stdout", f"{text}\n"),) for text in ("kept", "b", "b", "a")]
    assert [one.data["text/plain"] for one in outputs[4]] == ["'b'"]


def test_ready_forms_and_objects_that_show_themselves(project):
    """raw=True takes forms; `_ipython_display_` shows whatever it likes."""
    result = project.run_cells(
        "display({'text/html': '<b>', 'application/x': 1}, raw=True)",
        "class Own:\n    def _ipython_display_(self):\n        print('me')\nOwn()",
        "class Not:\n    def _ipython_display_(self):\n        raise NotImplementedError\n"
        "    def __repr__(self):\n        return 'not'\nNot()",
    )
    assert rich(result)[0].data == {"text/html": "<b>", "text/plain": ""}
    assert result.run.cells[1].outputs == (Text("stdout", "me\n"),)
    assert rich(result, 2)[0].data == {"text/plain": "not"}


def test_ipython_is_there_when_asked_for_and_no_input(project):
    """A page that does not import it does not have it; one that does depends on no file of ours
    and has started no thread."""
    result = project.run_cells(
        "import sys\nbefore = [name for name in sys.modules if name.startswith('IPython')]",
        "import IPython.display, threading\nbefore, threading.active_count()",
    )
    assert rich(result, 1)[0].data["text/plain"] == "([], 1)"
    (entry,) = project.store.folder.glob("??/*.json")
    assert b'"files": {}' in entry.read_bytes()


def test_the_rest_of_ipython_is_the_real_one(project):
    """What libraries import from deeper inside it is found, and its values are shown."""
    pytest.importorskip("IPython.core.display", reason="IPython is absent")
    source = "from IPython.core.display import HTML\nHTML('<b>')"
    (found,) = rich(project.run_cells(source))
    assert found.data["text/html"] == "<b>"


def test_the_stand_ins_need_no_ipython(project):
    """Without it installed the same imports work, and its other modules are missing."""
    hide = (
        "import importlib.machinery, sys\n"
        "real = importlib.machinery.PathFinder.find_spec\n"
        "def find_spec(name, *rest):\n"
        "    return None if name.startswith('IPython') else real(name, *rest)\n"
        "importlib.machinery.PathFinder.find_spec = find_spec"
    )
    result = project.run_cells(
        hide,
        "from IPython.display import HTML\nHTML('<b>')",
        "#| error: ModuleNotFoundError\nimport IPython.core.display",
    )
    assert result.problems == ()
    assert rich(result, 1)[0].data["text/html"] == "<b>"


# Odd characters


def test_odd_bytes_and_characters_survive_the_store(project, tmp_path):
    """What is stored is what the run gave: nothing in it that UTF-8 cannot write."""
    result = project.run_cells(
        "import os, subprocess, sys\n"
        "os.write(1, b'\\xff\\xfe \\xe2\\x98')\n"
        "display(1)\n"
        "print('\\udcff \\x00')",
        "class Odd:\n    def __repr__(self):\n        return '\\udc80\\x00'\nOdd()",
        "#| error: true\nraise ValueError('\\udc80\\x00')",
    )
    assert result.problems == ()
    store = Store(tmp_path / "elsewhere")
    store.keep("ab", Entry(PageRun(result.run.cells), Inputs()))
    again = store.find("ab", tmp_path).run
    assert [cell.outputs for cell in again.cells] == [cell.outputs for cell in result.run.cells]
    assert rich(result, 1)[0].data["text/plain"] == "\\udc80\x00"


def test_a_character_written_in_two_pieces_is_one(project):
    """Even where outputs are collected between them."""
    result = project.run_cells(
        "import os\nos.write(1, b'\\xe2\\x98')\nimport sys; sys.stderr.write('!')\n"
        "os.write(1, b'\\x83')",
        "os.write(1, b'\\xe2')",
    )
    assert printed(result, "stdout") == "☃\ufffd"


# Sizes of pictures


def test_sizes_are_read_from_real_files():
    """PNG, JPEG and GIF as Pillow writes them; nonsense has none."""
    import io

    from PIL import Image

    for kind in ("PNG", "JPEG", "GIF"):
        for options in ({}, {"progressive": True}) if kind == "JPEG" else ({},):
            file = io.BytesIO()
            Image.new("RGB", (70, 30)).save(file, kind, **options)
            assert pixel_size(file.getvalue()) == (70, 30), kind
    assert pixel_size(b"nonsense") == (0, 0)


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b""]), st.binary())
def test_no_bytes_break_the_reading_of_sizes(magic, rest):
    """Cut short or made up: it ends, without an exception."""
    width, height = pixel_size(magic + rest)
    assert width >= 0
    assert height >= 0
