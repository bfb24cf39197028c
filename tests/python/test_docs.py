"""Every code block of the documentation and every docstring runs."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re

import pytest

import lazy
from conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = [
    "lazy",
    *(f"lazy.{m.name}" for m in pkgutil.iter_modules(lazy.__path__) if m.name not in ("_lazy", "__main__")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_page(page):
    blocks = re.findall(r"^```(?:python|pycon)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    sessions = [block for block in blocks if ">>>" in block]
    text = "\n".join(sessions)
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
    scope: dict = {"__name__": "__docs__"}
    for block in blocks:
        if ">>>" not in block:
            exec(compile(block, page.name, "exec"), scope)


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    result = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert result.failed == 0
