"""Bytecode of CPython versions that do not run the tests: what is read from it does what the function does.

`tests/fixtures/code_314.txt` holds the code objects that CPython 3.14 makes of `test_fronts.py` and of the
corpus; `tests/fixtures/code.mjs` wrote it, and must again when one of these files changes.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

import pytest

import test_fronts as fronts
from lazy import _lazy

FIXTURES = Path(__file__).parents[1] / "fixtures"
VERSIONS = ["314"]


def revived(stored: dict[str, Any], version: tuple[int, int], file: str) -> SimpleNamespace:
    """What stands for a code object of another version."""
    fields = {"co_" + name: value for name, value in stored.items()}
    consts = [revived(c, version, file) if isinstance(c, dict) else c for c in stored["consts"]]
    fields |= {"co_consts": consts, "co_filename": file, "co_version": version}
    return SimpleNamespace(**fields, co_positions=lambda: [(None,) * 4] * (len(stored["code"]) // 2))


def codes(version: str) -> dict[tuple[str, str, int], SimpleNamespace]:
    """The stored code objects by file, name and line."""
    # The text holds nothing but literals and these.
    names = {"frozenset": frozenset, "slice": slice, "Ellipsis": Ellipsis}
    whole = eval((FIXTURES / f"code_{version}.txt").read_text(), {"__builtins__": {}}, names)
    number = whole.pop("version")
    found = {}

    def add(code: SimpleNamespace) -> None:
        found[code.co_filename, code.co_name, code.co_firstlineno] = code
        for const in code.co_consts:
            if isinstance(const, SimpleNamespace):
                add(const)

    for file, stored in whole.items():
        add(revived(stored, number, file))
    return found


STORED = {version: codes(version) for version in VERSIONS}


@pytest.fixture(params=VERSIONS)
def stored(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the interpreter of printed blocks read the stored code objects instead of the running ones."""
    known = STORED[request.param]

    def of(code: CodeType) -> SimpleNamespace:
        return known[Path(code.co_filename).name, code.co_name, code.co_firstlineno]

    scope = fronts.Scope
    blocks = SimpleNamespace(_blocks=lambda code, front: _lazy._blocks(of(code), "bytecode"))
    monkeypatch.setattr(fronts, "_lazy", blocks)
    monkeypatch.setattr(fronts, "Scope", lambda code, cells: scope(of(code), cells))


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("function", fronts.CONSTRUCTS, ids=lambda f: f.__name__)
def test_blocks_do_what_the_function_does(function: Any) -> None:
    for x, y in [(1, 2), (0, 3), (4, 4), (2, 1), (0, 0)]:
        expected = fronts.outcome(function, x, y)
        assert fronts.outcome(fronts.interpreted(function, "bytecode"), x, y) == expected


@pytest.mark.usefixtures("stored")
def test_methods() -> None:
    d = fronts.Derived()
    for function in (fronts.Derived.method, fronts.Derived.explicit):
        assert fronts.interpreted(function, "bytecode")(d, 3) == function(d, 3)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_corpus_has_the_same_blocks_in_all_versions(version: str) -> None:
    from conftest import load, names

    def listing(code: Any) -> str:
        # The first line names the file's path, or does not.
        return _lazy._blocks(code, "bytecode").split("\n", 1)[1]

    different = set()
    for name in names():
        for function in vars(load(name)).values():
            if inspect.isfunction(function) and function.__code__.co_filename.endswith(f"{name}.py"):
                code = function.__code__
                other = STORED[version][f"{name}.py", code.co_name, code.co_firstlineno]
                if listing(other) != listing(code):
                    different.add(f"{name}.{code.co_name}")
    # 3.14 puts the list of an inlined comprehension under its iterator, and returns where 3.11 jumps to a return.
    assert different <= {"deep_perceptron.arguments", "static_choice.static_choice"}


def test_an_unknown_version_is_said_to_be_unknown() -> None:
    code = next(iter(STORED["314"].values()))
    code = SimpleNamespace(**(vars(code) | {"co_version": (3, 99)}))
    with pytest.raises(ValueError, match=r"bytecode of Python 3\.99"):
        _lazy._blocks(code, "bytecode")
