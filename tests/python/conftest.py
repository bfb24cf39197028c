"""Fixtures: the corpus, and snapshots of what a person reads."""

from __future__ import annotations

import importlib.util
import types
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "corpus"
SNAPSHOTS = ROOT / "snapshots"
# Stages whose snapshots pytest owns, one file per corpus function; the others belong to the Rust tests.
STAGES = ("ast", "graph", "simplify", "fuse", "emit", "grad", "likelihood", "error")


def load(name: str) -> types.ModuleType:
    """A corpus file as a module of its own."""
    spec = importlib.util.spec_from_file_location(f"corpus_{name}", CORPUS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names() -> list[str]:
    return sorted(path.stem for path in CORPUS.glob("*.py"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--snapshot-update", action="store_true", help="accept what the tests see now")


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Callable[[str, str, str], None]:
    """``snapshot(stage, name, text)`` compares with ``snapshots/<stage>/<name>.txt``."""

    def compare(stage: str, name: str, text: str) -> None:
        assert stage in STAGES
        path = SNAPSHOTS / stage / f"{name}.txt"
        text = text.rstrip("\n") + "\n"
        if request.config.getoption("--snapshot-update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"{path.relative_to(ROOT)} is missing: make review"
        assert text == path.read_text()

    return compare
