"""Programs of loops and branches: what is carried from trip to trip, ways out, trip counts that values decide.

Numbers are floats and counters integers: an integer that a branch of a loop may replace by a NumPy float is that
float in a lifted loop, whether the branch was taken or not. What is assigned to a column is a copy: NumPy 2.4
reads a row that overlaps the column after it has written there.
"""

from typing import ClassVar

import numpy as np

from .writer import Writer as Base

PRELUDE = """
import math
import numpy as np

def bisect(v, at):
    low, high = 0, len(v)
    while low < high:
        middle = (low + high) // 2
        if v[middle] < at:
            low = middle + 1
        else:
            high = middle
    return low

def newton(c):
    t = c
    for i in range(20):
        step = (t * t - abs(c)) / (2 * t + 0.1)
        t = t - step
        if abs(step) < 1e-3:
            break
    else:
        return t, -1
    return t, i

def collatz(i):
    trips = 0
    while i > 1 and trips < 30:
        i = i // 2 if i % 2 == 0 else 3 * i + 1
        trips += 1
    return trips

def first_above(v, at):
    for i, t in enumerate(v):
        if t > at:
            return i
    return None

def running(v):
    best, where = -math.inf, None
    for i in range(len(v)):
        if v[i] > best:
            best, where = v[i], i
    return best

def total(*parts):
    return sum(np.sum(np.cos(p) * 0.5 + p) for p in parts)
"""


class Writer(Base):
    """Numbers, vectors and a matrix that loops change; `c...` are integers, `s...` numbers."""

    DEEPEST = 4

    HEADER = "def f(x, y, A, n, t, items, table):"
    NAMES: ClassVar[dict[str, list[str]]] = {
        "vector": ["x", "y"],
        "matrix": ["A"],
        "scalar": ["t"],
        "int": ["n"],
        "list": ["items"],
        "dict": ["table"],
        "index": [],
        # What may be assigned to.
        "ours": ["t"],
        "counter": [],
    }

    def __init__(self, seed, smooth=False):
        super().__init__(seed, smooth)
        self.loops = 0

    def int(self, depth=0):
        choices = [
            self.pick("int"),
            f"len({self.pick('vector')})",
            str(self.random.randint(0, 4)),
            f"{self.pick('int')} + 1",
        ]
        for kind in ("index", "counter"):
            if self.names[kind]:
                choices += [self.pick(kind)] * 2
        v = self.pick("vector")
        if depth < 2:
            s = self.scalar(depth + 1)
            choices += [f"bisect({v}, {s})", f"int(np.argmax({v}))"]
            if not self.smooth:
                choices += [
                    f"int({s})", f"({v} > {s}).sum()", f"collatz({self.pick('int')})", f"np.argmax({v})", "len(items)",
                    f"{self.pick('int')} // 2", f"{self.pick('int')} * 3", f"-{self.pick('int')}", f"len({v}[{v} > {s}])",
                ]  # fmt: skip
        return self.random.choice(choices)

    def index(self, depth=0):
        if self.names["index"] and self.maybe(0.6):
            return f"{self.pick('index')} % len(x)"
        return f"({self.int(depth)}) % len(x)"

    def scalar(self, depth=0):
        choices = [self.pick("scalar"), self.pick("scalar"), "0.5", "1.5", "2.0"]
        v, m = self.pick("vector"), self.pick("matrix")
        if depth < 2:
            a, b, i = self.scalar(depth + 1), self.scalar(depth + 1), self.index(depth + 1)
            choices += [
                f"{v}[{i}]", f"{v}[{i}]", f"{m}[{i}, 0]", f"({a} + {b}) * 0.5", f"({a} - {b})", f"{a} * 0.5", f"{v}.sum() * 0.1", f"{v}.max()", f"math.cos({a})", f"np.sin({a})",
                f"min({a}, {b})", f"max({a}, {b})", f"abs({a})", f"({a} if {a} > {b} else {b})", f"{a} / (1.5 + abs({b}))", f"float({v}[{i}])", f"running({v})", f"newton({a})[0]", f"{v} @ {v} * 0.01",
                f"math.sqrt(abs({a}) + 0.1)", f"({a} and {b})" if not self.smooth else a, f"{v}[:{i}].sum()", f"{v}[{v} > {a}].sum() * 0.1", f"sum({v}) * 0.1",
            ]  # fmt: skip
            if not self.smooth:
                choices += [f"{a} // 1", f"round({a}, 2)", f"{a} % 1.5", f"math.log(abs({a}) + 1)", "items[0]", "table['k']", f"float(int({a}))", f"float(math.floor({a}))", f"math.exp(-abs({a}))", f"-{a}"]  # fmt: skip
        return self.random.choice(choices)

    def vector(self):
        v, w, s, i = self.pick("vector"), self.pick("vector"), self.scalar(1), self.index()
        return self.one(
            f"{v} + {w}", f"{v} * {s}", f"{v} * 0.5 + 0.1", f"np.where({v} > {s}, {v}, {w})", f"{v}.copy()", "np.zeros(len(x))", f"np.empty_like({v})\n{{0}}[:] = {w}", f"{self.pick('matrix')}[{i}]", f"{self.pick('matrix')}[:, {i}].copy()",
            f"np.cos({v})", f"{v}[::-1]", f"np.ones(len(x)) * {s}", f"np.roll({v}, 1)", f"np.maximum({v}, {s})", f"{self.pick('matrix')} @ {v} * 0.3", f"np.array([{s} for _ in range(len(x))])", ["np.zeros(len(x), dtype=int)"],
        )  # fmt: skip

    def test(self):
        a, b, v = self.scalar(1), self.scalar(1), self.pick("vector")
        i = self.int()
        return self.one(
            f"{a} > {b}", f"{a} < 1.0", f"{v}[{self.index()}] > {a}", f"{a} > 0.3 and {b} < 2", f"{a} < 0.2 or {v}.sum() > {b}", f"not {a} > {b}", f"0.1 < {a} <= {b}", f"{i} % 2 == 0", f"{i} > 1", f"np.any({v} > {a})", f"({v} < {a}).all()", f"abs({a} - {b}) < 0.5",
            [f"{i} == {self.int()}", f"{a}", f"{i} in (1, 2)", f"math.isnan({a})", "items", f"first_above({v}, {a}) is None", f"{a} == {b}", "'k' in table"],
        )  # fmt: skip

    def statements(self):
        choices = [
            *[self.makes] * 4,
            *[self.update] * 6,
            *[self.loop] * 5,
            self.branch,
            self.branch,
            self.search,
        ]
        if self.loops:
            choices += [self.leave, self.update, self.update, self.branch]
        return choices

    def rest(self):
        self.update()

    def makes(self):
        kind = self.one("vector", "vector", "scalar", "scalar", ["list"], ["dict"], "counter", "flag", "pair")
        if kind == "vector":
            expression, _, line = self.vector().partition("\n")
            name = self.made("vector", expression)
            if line:
                self.emit(line.format(name))
        elif kind == "scalar":
            name = self.made("scalar", self.one(self.scalar(), "0.0", "1.0", ["None or 0.5", "-math.inf"]))
            self.names["ours"].append(name)
        elif kind == "list":
            self.made(
                "list",
                self.one(
                    "[]",
                    f"[{self.scalar()}, {self.scalar()}]",
                    f"list({self.pick('vector')})",
                    f"[0.0] * {self.random.randint(1, 4)}",
                ),
            )
        elif kind == "dict":
            self.made(
                "dict",
                self.one(
                    f"{{'k': {self.scalar()}}}",
                    f"{{'k': {self.scalar()}, 'j': 1.0}}",
                    f"dict(k={self.pick('vector')}[0])",
                ),
            )
        elif kind == "counter":
            self.made("counter", self.one("0", "1", [self.int()]))
        elif kind == "flag":
            self.made("scalar", "False" if not self.smooth else "0.25")
        else:
            a, b = self.new("scalar"), self.new("scalar")
            self.emit(f"{a}, {b} = {self.scalar()}, {self.scalar()}")
            self.names["scalar"] += [a, b]
            self.names["ours"] += [a, b]

    def update(self):
        s, v, w, i = self.pick("ours"), self.pick("vector"), self.pick("vector"), self.index()
        e = self.scalar()
        choices = [
            f"{s} = {s} * 0.5 + {e}", f"{s} += {v}[{i}] * 0.3", f"{s} = max({s}, {v}[{i}])", f"{s} = {e}", f"{s} = {s} if {self.test()} else {e}", f"{s} -= {e} * 0.1",
            f"{v}[{i}] = {e}", f"{v}[{i}] += {e} * 0.5", f"{v}[{i}] *= 0.5", f"{v}[{i}] = {w}[{i}] * 0.5 + {v}[{self.index()}] * 0.5", f"{self.pick('matrix')}[{i}, {self.index()}] = {e}", f"{v}[:] = {w} * 0.5 + 0.2", f"{v}[{i}:] += 0.1", f"{v}[1:] = {v}[:-1]",
            f"{self.pick('matrix')}[{i}] += {v} * 0.2", f"{v}[:{i}] *= 0.9", f"{s}, {self.pick('ours')} = {self.pick('ours')}, {e}", f"{v}[{v} > {s}] = {s}", f"{v} = {v} * 0.5 + {w} * 0.1" if v not in ("x", "y") else f"{v} *= 0.9",
            f"{v} = {v} * 0.5 + {w} * 0.1\n{v}[{i}] = {e}" if v not in ("x", "y") else f"{v}[{i}] -= {e}",
            f"{self.pick('matrix')}[:, {i}] = {v}.copy()", f"{v}[{i}], {v}[{self.index()}] = {v}[{self.index()}], {v}[{i}]",
        ]  # fmt: skip
        if self.names["counter"]:
            c = self.pick("counter")
            choices += [f"{c} += 1"] * 3 + [f"{c} = {c} + {self.random.randint(1, 3)}"]
        if not self.smooth:
            items, table = self.pick("list"), self.pick("dict")
            choices += [
                f"{items}.append({e})", f"{items}[0] = {e}", f"{table}['k'] = {e}", f"{table}['k'] = {table}['k'] * 0.5", f"{items}.pop()", f"{items}[-1] += {e}", f"print({e})", f"{s} = round({s}, 3)", f"{s} *= {self.int()}", f"{items} = {items} + [{e}]" if items != "items" else f"{items}.reverse()",
                f"assert {self.test()}", f"print({self.int()}, {s})",
            ]  # fmt: skip
        self.emit(self.random.choice(choices))

    def loop(self):
        i, e = self.new("i"), self.new("s")
        v, w, m = self.pick("vector"), self.pick("vector"), self.pick("matrix")
        index, scalar = [("index", i)], [("scalar", e)]
        choices = [
            ("range(n)", i, index), ("range(len(x))", i, index), ("range(1, len(x))", i, index), ("range(len(x) - 1, -1, -1)", i, index), ("range(0, len(x), 2)", i, index), ("range(3)", i, index), (f"range({self.int()} % 7)", i, index), (f"range({self.int()} % 4, {self.int()} % 6)", i, index),
            (f"enumerate({v})", f"{i}, {e}", index + scalar), (v, e, scalar), (f"zip({v}, {w})", f"{e}, {e}b", [("scalar", e), ("scalar", e + "b")]), (f"{v}[::-1]", e, scalar), ("reversed(range(n))", i, index), (f"zip(range(n), {v})", f"{i}, {e}", index + scalar),
            (m, f"v{e}", [("vector", f"v{e}")]), (f"enumerate({m})", f"{i}, v{e}", [*index, ("vector", f"v{e}")]), (f"zip({m}, {v})", f"v{e}, {e}", [("vector", f"v{e}"), *scalar]), ("np.ndindex(2, 2)", f"{i}, {i}b", [*index, ("index", i + "b")]), ("np.arange(n)", i, index), (f"reversed({v})", e, scalar),
            (f"{v}[{v} > {self.scalar(1)}]", e, scalar), (f"enumerate({v}, 1)", f"{i}, {e}", index + scalar), (f"{v}[: {self.index()}]", e, scalar), ("[0.5, 1.5]", e, scalar), (f"({v}, {w})", f"v{e}", [("vector", f"v{e}")]), (f"np.flatnonzero({v} > {self.scalar(1)})", i, index), (f"zip({v}[1:], {v}[:-1])", f"{e}, {e}b", [("scalar", e), ("scalar", e + "b")]),
        ]  # fmt: skip
        if not self.smooth:
            choices += [(f"list({self.pick('list')})", e, scalar), (f"{self.pick('dict')}.items()", f"_, {e}", scalar), (f"sorted({v})", e, scalar), (f"list({self.pick('dict')}.values())", e, scalar), (f"zip({self.pick('list')}, {v})", f"_, {e}", scalar), (f"map(abs, {v})", e, scalar)]  # fmt: skip
        names = index
        if self.maybe(0.3):
            c = self.new("c")
            self.emit(f"{c} = 0")
            s = self.pick("ours")
            names = [("index", c)]
            self.emit("while " + self.one(f"{c} < n", f"{s} < 3 and {c} < 9", f"{c} < {self.random.randint(0, 5)}", f"{self.test()} and {c} < 7", f"{v}[{c} % len(x)] > {self.scalar(1)} and {c} < 8", "True", f"{s} > 0.05 and {c} < 12") + ":")  # fmt: skip
            self.emit(f"    {c} += 1")
            self.emit(f"    if {c} > 15: break")
            if self.maybe(0.5):
                self.emit(f"    {s} = {s} * 0.6 + 0.01")
        else:
            iterable, target, names = self.random.choice(choices)
            self.emit(f"for {target} in {iterable}:")
        self.loops += 1
        self.block(3, names)
        self.loops -= 1
        if self.maybe(0.15):
            self.emit("else:")
            self.block(1)

    def leave(self):
        self.emit(f"if {self.test()}:")
        if not self.maybe(0.4):
            self.emit(f"    {self.pick('ours')} = {self.scalar()}")
        if self.maybe(0.2):
            self.emit(f"    return {self.result()}")
        else:
            self.emit(f"    {self.one('break', 'continue')}")

    def branch(self):
        self.emit(f"if {self.test()}:")
        self.block()
        if self.maybe(0.3):
            self.emit(f"elif {self.test()}:")
            self.block()
        if self.maybe(0.5):
            self.emit("else:")
            self.block()

    def search(self):
        v, s = self.pick("vector"), self.scalar(1)
        name = self.made("scalar", self.one(f"running({v})", f"newton({s})[0]", f"{v}[min(bisect({v}, {s}), len(x) - 1)]", [f"newton({s})[1]", "collatz(n)"]))  # fmt: skip
        self.names["ours"].append(name)

    def result(self):
        parts = [self.pick("vector"), self.pick("scalar")]
        if self.smooth:
            return f"total({', '.join([*parts, 'x', 'y', 't'])})"
        if self.names["counter"]:
            parts.append(self.pick("counter"))
        return ", ".join([*parts, self.scalar(), self.pick("list")])


PATTERNS = ["plain", "plain", "plain", "numpy", "ints", "same", "zero"]


def arguments(module, size, pattern="plain"):
    n = size
    x = np.linspace(0.25, 2.5, n)
    y = np.cos(np.arange(n) * 1.3) + 0.4
    A = np.sin(np.arange(n * n) * 1.7).reshape(n, n) + 0.3
    t = 0.75
    match pattern:
        case "numpy":
            t, n = np.float64(t), np.int64(n)
        case "ints":
            t, x = 2.0, np.arange(n)
        case "same":
            y = x
        case "zero":
            t, n = 0.0, 0
    return [x, y, A, n, t, [1.5, 0.25, 2.0], {"k": 0.5, "j": 1.25}]
