"""The printer of Python source: what it writes parses back to the same program."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

import numpy
import pytest

from lazy import _lazy

# Files with most of what Python has: decorators, f-strings, matches, nested comprehensions, long calls.
FILES = [Path(path) for module in (ast, warnings) if (path := module.__file__)] + [
    Path(numpy.__file__).parent / "lib" / name
    for name in ("_function_base_impl.py", "_index_tricks_impl.py", "_nanfunctions_impl.py")
]

SNIPPETS = [
    "x = 0.9999999999999999 + 1e300 - 5e-324 + 123456789012345678901234567890",
    "x = -1 ** 2, (-1) ** 2, 2 ** -1, (-x) ** -y, -(x ** 2), (a ** b) ** c, a ** b ** c",
    "x = (a, b), c[(1, 2)], c[1, 2], c[()], c[1:2, ::3], c[1:], c[(1,)]",
    "x = not a == b, not (a and b), (not a) == b, a < (b < c), (a < b) < c",
    "x = (lambda: 1)(), (lambda x, *, y=1: x)(2), [lambda: 0][0], (yield_ := 3)",
    "x = a if b else c if d else e, (a if b else c) if d else e, a if (b if c else d) else e",
    """\
x = f'{a}{b!r:>{c}} {{}} {d["k"]} {1:.3f} \\n', f'it\\'s {x}', f'''{x}
'''""",
    "x = f'{f\"{a}\"}', f'{a + (b if c else d)}', f'{ {1: 2}[1] }', f'{(lambda: 1)()}'",
    "x = b'\\x00\\xff\"', '\\'\"', '\\\\', '\\u2028\\x7f', r'\\d', u'u'",
    "x = {**a, 1: 2}, {*a, 3}, [*a], (*a, b), {1}, {}, f(*a, b=1, **c), f(x for x in y)",
    "x = a - (b - c) - d, a / (b * c) / d, a @ b * c, ~a & b | c ^ d << e, (a, *b)",
    "x = (1).real, 1.0.real, 1j.imag, 'a'.upper(), (a.b).c, (-1).bit_length(), (await_).y",
    """\
x: int = 3
x.y: int
x = y = z = 1
x += 1, 2
x @= y""",
    """\
def f(a, /, b: int = 1, *c: int, d, e=2, **f: int) -> int: pass
def g(*, a): return
def h(): return 1,""",
    """\
@a.b
@c(1)
class A(B, metaclass=C):
    'doc'
    x = 1

    def f(self): return super().f()""",
    """\
try: pass
except (A, B) as e: raise C from e
except D: raise
else: x
finally: y""",
    """\
for i, (j, *k) in x, y: break
else: continue_
while x := f(): continue
else: pass""",
    """\
with a as b, c as (d, e), f: pass
async def g():
  async with a: await b
  async for x in y: yield x""",
    """\
if a: pass
elif b: pass
else:
    if c: pass
    else: pass""",
    """\
from . import a as b, c
from .. import *
from ..a.b import c
import a.b as c, d""",
    """\
def f():
    global a, b
    nonlocal_ = 1
    del a, b[0], (c, d)
    assert a, 'b'
    x = yield
    y = yield a, b
    yield from c""",
    """\
match x:
  case [1, *_, -1.5] | {'a': b, **c}: pass
  case A(b, c=d) as e if f: pass
  case (1 | 2) as g: pass
  case None | True: pass
  case a.b: pass
  case _: pass""",
    """\
def f():
    '''One.

    Two \\"\\"\\" three.'''
    return 'four'""",
]


def same(source: str) -> None:
    printed = _lazy._print(source)
    assert ast.dump(ast.parse(printed)) == ast.dump(ast.parse(source)), printed
    assert _lazy._print(printed) == printed


@pytest.mark.parametrize("source", SNIPPETS)
def test_snippets(source: str) -> None:
    same(source)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files(path: Path) -> None:
    same(path.read_text())


def test_lines_are_short() -> None:
    words = " + ".join(f"variable_{k}" for k in range(30))
    for source in (f"x = {words}", f"f({words.replace(' +', ',')})", f"return_ = a[{words}]"):
        assert max(map(len, _lazy._print(source).splitlines())) <= 88


def test_errors_are_syntax_errors() -> None:
    with pytest.raises(Exception, match="invalid syntax"):
        _lazy._print("x = = 1")
