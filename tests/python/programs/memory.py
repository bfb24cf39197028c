"""Programs that write: views of views, overlaps, aliases, `out=`, scatters, arrays held by objects."""

from typing import ClassVar

import numpy as np

from .writer import Writer as Base

PRELUDE = """
import numpy as np

class Box:
    def __init__(self, data, grid):
        self.data = data
        self.grid = grid
    def push(self, value):
        self.data[1:] = self.data[:-1].copy()
        self.data[0] = value
        return self
    @property
    def first(self):
        return self.data[:1]

def bump(a, by=1.0):
    a += by
    return a

def swap(a, b):
    a[...], b[...] = b.copy(), a.copy()

def scaled(a, out=None):
    if out is None:
        out = np.empty_like(a)
    np.multiply(a, 2, out=out)
    return out

def fill_in(n, at):
    out = np.empty(n)
    for i in range(n):
        out[i] = at * i
    return out

def total(*parts):
    return sum(np.sum(np.cos(p) * 0.5 + p) for p in parts)
"""


class Writer(Base):
    """Vectors of n elements, n by n matrices, and views of either of whatever size."""

    HEADER = "def f(x, y, A, k, box):\n    n = len(x)"
    NAMES: ClassVar[dict[str, list[str]]] = {
        "vector": ["x", "y", "box.data"],
        "matrix": ["A", "box.grid"],
        "view": ["x[:-1]", "A.ravel()"],
        "number": ["0.5", "2", "-1.25", "x[0]", "y[-1]", "A[0, 1]", "k[1]"],
    }

    def vector(self):
        v, w, m = self.pick("vector"), self.pick("vector"), self.pick("matrix")
        s = self.number()
        return self.one(
            f"{v} + {w}", f"{v} * {s}", f"{v}[::-1]", f"{v}.copy()", f"{v}[:]", v, f"{m}[0]", f"{m}[-1]", f"{m}[:, 1]",
            f"{m}[{self.index()}]", f"{m}[:, ::-1][1]", f"{m}.T[0]", f"np.empty_like({v})\n{{0}}[:] = {w}", f"np.zeros_like({v})",
            f"np.full(n, {s})", f"fill_in(n, {s})", f"scaled({v})", f"bump({v})", f"np.sin({v})", f"{v}[k]", f"{m}.sum(axis=0)",
            f"{m} @ {v}", f"np.where({v} > {w}, {v}, {s})", f"np.asarray({v})", f"{m}.diagonal()", f"{m}[np.arange(n), k]",
            f"{v}[np.argsort({w}, kind='stable')]", f"np.concatenate([{v}[1:], {v}[:1]])", f"np.roll({v}, 1)", f"{v}.view()", f"np.real({v})",
            f"{m}.ravel()[:n]", f"{m}.T.ravel()[::n]", f"{m}.flat[:n]", f"np.atleast_1d({v})", f"{v}.reshape(n, 1)[:, 0]", f"{v}[None][0]",
            f"{m}.diagonal(0)", f"np.diag({m})", f"np.cumsum({v})", f"np.array([{s}] * n)", f"np.array([t for t in {v}])", f"{v}[...]",
            f"np.add({v}, {s}, out=np.empty({v}.shape))", f"np.squeeze({v}[:, None])", f"box.push({s}).data", f"-{v}", f"{v} if {s} > 0 else {w}",
            [f"{v}.astype(int)", f"{v}.astype(np.float32)", "np.zeros(n, dtype=int)", f"{v} > {s}", f"{v}.real", f"{v}.imag", f"{v} // 2", f"{v} * 1j",
             f"np.empty(n, dtype=bool)\n{{0}}.fill({s})", f"np.sort({v})", f"{v}.astype(float, copy=False)", f"np.array({v}, copy=None)"],
        )  # fmt: skip

    def matrix(self):
        v, m, o = self.pick("vector"), self.pick("matrix"), self.pick("matrix")
        s = self.number()
        return self.one(
            f"{m}.T", f"{m}[::-1]", f"{m}[:, ::-1]", f"{m} + {o}", f"{m} * {s}", f"{m}.copy()", f"{m}[:]", m, f"np.outer({v}, {v})",
            f"{m}.swapaxes(0, 1)", f"np.flipud({m})", f"np.rot90({m})", f"{m}.reshape(n, n)", f"{m}.ravel().reshape(n, n)", f"{m}.T.reshape(n, n)",
            f"np.tile({v}, (n, 1))", f"np.broadcast_to({v}, (n, n))", "np.zeros((n, n))", f"np.empty_like({m})\n{{0}}[...] = {s}", f"{m}[k]",
            f"{m}[:, k]", f"np.vstack([{v}] * n)", f"np.eye(n) * {s}", f"np.stack([{v}, *{m}[1:]])", f"np.where({m} > {s}, {m}, {o})", f"{m} @ {o}",
            f"{m}[np.ix_(k, k)]", f"{m}.transpose(1, 0)[::-1]", f"{m}.reshape(-1)[::-1].reshape(n, n)", f"np.triu({m})", f"{v}[:, None] * {m}",
            f"{m}.view()", f"{m}[..., ::-1]", f"np.moveaxis({m}, 0, 1)", f"scaled({m})", f"{m}.copy(order='F')", f"np.asfortranarray({m})", f"np.ascontiguousarray({m}.T)",
            [f"{m}.astype(int)", f"{m} > {s}", f"np.sort({m}, axis=0)"],
        )  # fmt: skip

    def view(self):
        v, m, u = self.pick("vector"), self.pick("matrix"), self.pick("view")
        i = self.index()
        return self.one(
            f"{v}[1:]", f"{v}[:-1]", f"{v}[::2]", f"{v}[1:][::-1]", f"{v}[-2:]", f"{v}[{i}:{i} + 2]", f"{m}[0, 1:]", f"{m}[1:, 0]",
            f"{m}.reshape(-1)", f"{m}.ravel()", f"{m}.T.ravel()", f"{m}.flatten()", f"{m}[1:].reshape(-1)", f"{m}.T.reshape(-1)",
            f"{m}[:, 1:].ravel()", f"{m}[1:, :2]", f"{m}[:2, ::2]", f"{m}[{i}:]", f"{m}[None]", f"{v}[:, None]", f"{v}[None, :]", f"{u}[1:]", f"{u}[::-1]",
            f"{u}.T", f"{u}[..., None]", f"{u}.ravel()", f"{u}.reshape(-1)", f"np.atleast_2d({v})", f"np.expand_dims({v}, 0)", f"{v}[{v} > {self.number()}]",
            f"{v}[[0, 0, -1]]", f"{m}[[0, 1]]", f"{m}[:, [1, 0]]", f"np.ravel({m}, order='F')", f"{m}.ravel('K')", f"{u}[:]", f"{u}[...]", "box.first", f"{v}[:0]",
            f"{m}[::2, 1:].T", f"np.diag({v})[1:]", f"{m}.reshape(n * n)[::n + 1]", f"np.lib.stride_tricks.sliding_window_view({v}, 2)",
            f"np.split({v}, [1])[1]", f"np.array_split({m}, 2)[0]",
            [f"{v}[{v} > 99]", f"{v}.tolist()[1:]", f"np.unique({v})", f"np.flatnonzero({v} > 1)"],
        )  # fmt: skip

    def index(self):
        return self.one("0", "1", "-1", "n - 1", "n // 2", "-2")

    def number(self):
        v, m = self.pick("vector"), self.pick("matrix")
        return self.one(
            self.pick("number"), self.pick("number"), f"{v}[{self.index()}]", f"{m}[{self.index()}, {self.index()}]", f"{v}.sum()", f"{m}.mean()",
            f"float({v}[0])", f"{v} @ {v}", f"np.max({v})", "0.25", "1.5", ["n", "3", f"int({v}[0])", f"len({v})", f"{v}.size", "True", "-0.0", "np.float32(0.5)"],
        )  # fmt: skip

    def mask(self):
        v = self.pick("vector")
        return self.one(
            f"{v} > {self.number()}", f"{v} < {v}.mean()", "np.arange(n) % 2 == 0", f"~({v} > 1)", f"({v} > 0.5) & ({v} < 1.5)", "np.zeros(n, dtype=bool)"
        )  # fmt: skip

    def statements(self):
        return [
            *[self.makes] * 7, *[self.store] * 8, *[self.store_matrix] * 4, *[self.store_view] * 4, self.held, self.loop, self.loop,
            self.branch, self.exchange, self.function,
        ]  # fmt: skip

    def rest(self):
        self.store()

    def makes(self):
        kind = self.random.choice(["vector", "vector", "matrix", "view", "view", "number"])
        make = {"vector": self.vector, "matrix": self.matrix, "view": self.view, "number": self.number}[
            kind
        ]()
        name = self.new(kind)
        # An expression may bring a second line that fills what it made.
        expression, _, line = make.partition("\n")
        self.emit(f"{name} = {expression}")
        if line:
            self.emit(line.format(name))
        self.names[kind].append(name)

    def store(self):
        v, w, s = self.pick("vector"), self.pick("vector"), self.number()
        i, mask, u = self.index(), self.mask(), self.pick("view")
        op = self.one("+", "-", "*", ["/", "//", "%", "**"])
        self.emit(
            self.one(
                f"{v}[{i}] = {s}", f"{v}[1:] = {s}", f"{v} {op}= {w}", f"{v} {op}= {s}", f"{v}[{i}] {op}= {s}", f"{v}[::2] = {w}[::2] * 2",
                f"{v}[1:] {op}= {v}[:-1]", f"{v}[:-1] = {v}[1:]", f"{v}[:2] += {s} * {v}[1::-1]", f"{v}[::-1] = {v}", f"{v}[{mask}] = {s}",
                f"{v}[{mask}] {op}= {s}", f"{v}[{mask}] = {w}[{mask}]", f"m = {mask}\n{v}[m] += {w}[m]", f"{v}.fill({s})", f"np.add({v}, {w}, {v})", f"np.multiply({v}, {s}, out={v})",
                f"np.add({v}[1:], {v}[:-1], out={v}[1:])", f"np.copyto({v}, {w})", f"np.copyto({v}, {s}, where={mask})", f"{v}[:] = np.sort({w})",
                f"{v}[[0, 1]] = {s}", f"{v}[k] = {w}", f"{v}[k] {op}= {s}", f"np.add.at({v}, k, {s})", f"np.add.at({v}, k, {w})", f"np.subtract.at({v}, [0, 0], {s})",
                f"np.multiply.at({v}, k, {s})", f"np.put({v}, [0, -1], {s})", f"{v}.put([1], {s})", f"np.place({v}, {mask}, [{s}, 1.0])", f"np.putmask({v}, {mask}, {w})",
                f"{v}.sort()", f"{v}[::-1].sort()", f"{v}[1:].sort()", f"{v}[::-1][0] = {s}", f"np.maximum({v}, {s}, out={v}[:])", f"{v}[...] = {w}", f"np.sin({v}, {v})", f"np.cos({w}, out=({v},))",
                f"np.divide({v}, {s}, out={v}, where={mask})", f"np.add({v}, 1, out={v}, where={mask})", f"np.cumsum({v}, out={v})", f"np.add.accumulate({v}, out={v})", f"np.clip({v}, 0.2, {s}, out={v})",
                f"{v}.clip(None, 2.0, out={v})", f"np.negative({v}, out={v}[::-1])", f"{v}[:] = [{s}] * n", f"{v}.flat[{i}] = {s}", f"{v}.flat = {s}", f"{v}.flat[1:] = {w}[:-1]", f"{v}.T[1] = {s}",
                f"np.take({v}, k, out={w})", f"np.mean({self.pick('matrix')}, axis=0, out={v})", f"np.dot({self.pick('matrix')}, {w}, out={v})", f"{self.pick('matrix')}.sum(axis=1, out={v})",
                f"{v}[1:-1] = ({v}[:-2] + {v}[2:]) / 2", f"{v}[{v}.argmax()] = {s}", f"{v}[np.argsort({w}, kind='stable')] = {v}", f"{v}[np.where({mask})] = {s}", f"{v}[{mask}][0] = {s}", f"{v}[k][0] = {s}",
                f"bump({v}, {s})", f"bump({v}[1:])", f"swap({v}, {w})", f"scaled({v}, out={w})", f"scaled({v}[::-1], {w})", f"{v}[0], {v}[1] = {v}[1], {v}[0]", f"{v}[[0, 1]] = {v}[[1, 0]]",
                f"{v}[1:], {w}[1:] = {w}[1:], {v}[1:]", f"{v}.real[1:] = {s}", f"np.fill_diagonal({v}[:, None] * {w}, {s})", f"{v}[:] = {u}.sum()", f"np.logaddexp({v}, {w}, out={v})", f"{v}[(k,)] = {s}",
                f"np.subtract({w}, {v}, out={v})", f"{v}[-1:0:-1] = {v}[:-1]", f"np.add.reduce({self.pick('matrix')}, axis=0, out={v})", f"del {self.made('vector', v)}[0:0]" if 0 else f"{v}[:0] = {s}",
                f"box.push({s})", f"{v} = {v} + 0" if "." not in v else f"{v} = {w}.copy()", f"{v}[slice(None, None, 2)] = {s}", f"{v}[n - 2 :] = {v}[:2]", f"np.nan_to_num({v}, copy=False)",
                [f"{v}[:] = {v} > {w}", f"{v} <<= 1", f"{v}[[True] * n] = {s}", f"{v}[99] = {s}", f"{v}[:2] = {v}", f"{v}[np.array([0, 1], dtype=np.uint8)] = {s}", f"{v}[-n - 1] = {s}", f"{v} += 1j",
                 f"{v}.setflags(write=False)", f"{v}.resize(2)", f"{v}.shape = (n, 1)", f"{v} @= A", f"np.random.default_rng(0).shuffle({v})", f"{v}.partition(1)", f"np.rint({v}, out={v})", f"{v}.round(1, {v})", f"np.floor_divide({v}, 2, out={v})",
                 f"np.modf({v}, {v}, {w})", f"np.divmod({v}, 2, out=({v}, {w}))", f"np.frexp({v}, out=({v}, k))", f"np.isnan({v}, out={v} > 0)", f"np.greater({v}, {w}, out={v})", f"{v}.byteswap(True)", f"{v}[{v}] = 0", f"{v}['a'] = 0", f"{v}[None, 0] = {s}", f"{v}[0, 0] = {s}"],
            )
        )  # fmt: skip

    def store_matrix(self):
        m, o, v, s = self.pick("matrix"), self.pick("matrix"), self.pick("vector"), self.number()
        i, j, mask = self.index(), self.index(), self.mask()
        op = self.one("+", "-", "*")
        self.emit(
            self.one(
                f"{m}[{i}, {j}] = {s}", f"{m}[{i}][{j}] {op}= {s}", f"{m}[{i}] = {v}", f"{m}[:, {j}] {op}= {v}", f"{m} {op}= {o}.T", f"{m} {op}= {m}.T", f"{m}[:] = {m}.T",
                f"{m}[1:] {op}= {m}[:-1]", f"{m}[:, 0] = {m}[0]", f"np.add({m}, {m}.T, out={m})", f"np.fill_diagonal({m}, {s})", f"np.fill_diagonal({m}, {v})", f"{m}.sort()", f"{m}.sort(axis=0)",
                f"{m}.T.sort()", f"{m}.flat[:: n + 1] = {s}", f"{m}.flat[{i}] {op}= {s}", f"{m}[k] {op}= {v}", f"{m}[k, k] = {s}", f"{m}[:, k] = {o}", f"np.add.at({m}, (k, k), {v})", f"np.add.at({m}, k, {v})",
                f"{m}[{m} > {s}] = {s}", f"{m}[{mask}] = {v}", f"{m}[{mask}, 1] = {s}", f"{m}[{i}, {mask}] {op}= {s}", f"{m}[np.triu_indices(n, 1)] = {s}", f"{m}[np.arange(n), k] {op}= {v}", f"{m}[None][0, 0] = {s}",
                f"{m}[..., 0] = {s}", f"{m} *= {v}[:, None]", f"np.matmul({o}, {o}, out={m})", f"np.matmul({m}, {o}, out={m})", f"{m}[1:, 1:] = {m}[:-1, :-1]", f"{m}[::-1] = {m}", f"{m}[{i}] {op}= {m}[{j}]", f"{m}[0], {m}[1] = {m}[1].copy(), {m}[0].copy()",
                f"{m}[[0, 1]] = {m}[[1, 0]]", f"{m}[:, [0, 1]] = {m}[:, [1, 0]]", f"np.copyto({m}, {v})", f"np.copyto({m}, {o}, where={mask})", f"{m}.ravel()[1] = {s}", f"{m}.T.ravel()[1] = {s}", f"{m}.reshape(-1)[{i}] = {s}", f"{m}.T.reshape(-1)[{i}] = {s}",
                f"np.put_along_axis({m}, k[:, None], {s}, 1)", f"{m}.put([0, -1], {s})", f"np.einsum('ij->ji', {m})[0] = {s}", f"np.cumsum({m}, axis=0, out={m})", f"bump({m}[{i}])", f"bump({m}.T, {s})", f"swap({m}, {o})", f"swap({m}[0], {m}[1])", f"scaled({m}, {m}.T)",
                f"{m}.swapaxes(0, 1)[0] = {v}", f"np.multiply.outer({v}, {v}, out={m})", f"{m}[np.ix_([0, 1], k)] {op}= {s}", f"{m}[1:][:, 1:][0, 0] = {s}", f"{m}[:, 1][1:] {op}= {s}", f"np.tril({m})[0] = {s}", f"{m}[np.diag_indices(n)] {op}= {s}", f"{m} -= {m}.mean(axis=0)",
                f"{m}[0] -= {m}.sum(axis=0)", f"{m}[:, 0] /= {s}", f"np.subtract(1, {m}, {m})", f"{m}[np.newaxis, ...] {op}= {s}", f"np.dot({m}, {o}, {m})", f"np.ravel({m})[0] = {s}", f"{m}.diagonal()[0] = {s}" if not self.smooth else f"{m}[0] = {v}",
                [f"{m}.shape = (-1,)", f"{m}[k] = {m}[:2]", f"np.broadcast_to({v}, (n, n))[0] = {s}", f"{m}.setflags(write=False)", f"{m}[9, 9] = {s}", f"{m}[:, :, 0] = {s}", f"{m}.argsort(axis=0)[0] = 1", f"np.sum({m} > 0, axis=0, out=k)", f"{m}.partition(1)"],
            )
        )  # fmt: skip

    def store_view(self):
        u, v, s = self.pick("view"), self.pick("vector"), self.number()
        self.emit(
            self.one(
                f"{u}[...] = {s}", f"{u}[...] *= {s}", f"{u}[0] = {s}", f"{u}[-1:] += {s}", f"{u}[...] = np.resize({v}, {u}.shape)", f"{u}[::-1] = {u}", f"np.add({u}, {s}, out={u})", f"{u}.fill({s})", f"{u}[{u} > 1] = {s}", f"{u}[1:] += {u}[:-1]", f"{u}.sort()",
                f"{u}.T[...] -= {s}", f"{u}.flat[0] = {s}", f"np.copyto({u}, {s})", f"bump({u}, {s})" if "(" in u else f"{u} += {s}", f"{u}[...] = {u}[::-1]", f"{u}.ravel()[0] = {s}", f"np.multiply({u}, {u}, {u})",
            )
        )  # fmt: skip

    def held(self):
        v, m, s = self.pick("vector"), self.pick("matrix"), self.number()
        self.emit(
            self.one(
                f"box.data = {v}", f"box.data = {v}[::-1]", f"box.grid = {m}.T", f"box.data += {s}", f"box.data[0] = {s}", f"box.grid[1] = {v}", f"box.data = box.data + {v}", "box.grid[0, :] = box.data", f"box.first[...] = {s}",
                f"box.data, box.grid = {m}[0], {m}", f"box.extra = [{v}]\nbox.extra[0][1] = {s}", f"vars(box)['data'][1] = {s}", f"setattr(box, 'data', {v})", "box.data *= box.data", "box.grid += box.data", f"pair = ({v}, {m})\npair[0][1] = {s}",
                f"d = {{'a': {v}}}\nd['a'] += {s}", f"l = [{v}, {v}[1:]]\nl[1][0] = {s}\nl[0] = l[0] * 2", f"box.push({s}).data[1:] += {s}", f"for part in ({v}, {m}): part += {s}",
            )
        )  # fmt: skip

    def loop(self):
        v, w, m, s = self.pick("vector"), self.pick("vector"), self.pick("matrix"), self.number()
        self.emit(
            self.one(
                f"for i in range(n): {v}[i] += {v}[i - 1]", f"for i in range(1, n): {v}[i] = {v}[i - 1] * 0.5 + {s}", f"for row in {m}: row += {s}", f"for i, row in enumerate({m}): row[i] = {s}", f"for i in range(n): {m}[i, : i + 1] += {v}[: i + 1]",
                f"for i in range(1, n): {v}[:i] += 0.5 * {v}[i - 1 :: -1]", f"for i in range(n):\n    for j in range(i): {m}[i, j] = {m}[j, i]", f"for i, t in enumerate({v}): {w}[n - 1 - i] = t", f"for a, b in zip({m}, {m}.T): a += b", f"for i in k: {v}[i] += {s}", f"for i in reversed(range(n)): {v}[i] *= {w}[i]",
                f"out = np.empty(n)\nfor i in range(n): out[i] = {v}[i] * {s}\n{w}[:] = out", f"i = 0\nwhile i < n:\n    {v}[i] = {w}[i]\n    i += 2", f"for i in range(n - 1): {v}[i], {v}[i + 1] = {v}[i + 1], {v}[i]", f"for i in range(n):\n    if {v}[i] > {w}[i]: {v}[i] = {s}",
                f"for i in range(n): box.data[i] = {s}", f"for i in range(3): {v}[1:] = {v}[:-1]", f"for i in range(2): {m} += {m}.T", f"for row in {m}[1:]: row[...] = {m}[0]", f"for j in range(n): {m}[:, j] -= {m}[:, j - 1]", f"for t in [{v}, {w}]: t[0] = {s}",
                f"c = {v}\nfor i in range(3): c = c[::-1]\nc[0] = {s}", f"for i in range(n):\n    t = {m}[i]\n    t[0] = {s}\n    {v}[i] = t.sum()", f"parts = [{v}[i:] for i in range(2)]\nfor p in parts: p += {s}",
            )
        )  # fmt: skip

    def branch(self):
        self.emit(f"if {self.pick('vector')}[{self.index()}] > {self.number()}:")
        self.block()
        if self.maybe(0.5):
            self.emit("else:")
            self.block()

    def exchange(self):
        a, b = (n if "." not in n else "x" for n in (self.pick("vector"), self.pick("vector")))
        if a == b:
            # A block must have a statement.
            self.rest()
        else:
            self.emit(f"{a}, {b} = {b}, {a}")

    def function(self):
        g = self.new("g")
        v, s = self.pick("vector"), self.number()
        self.emit(f"def {g}(t, u=box.data):")
        self.emit(
            f"    {self.one('t[0] = u[1]', 't += 1', 't[1:] += u[:-1]', 'u[...] = t', 't = t * 2', 't[:] = u[::-1]')}"
        )
        self.emit(f"    {self.one('return t', 'return u', 'return t[::-1]', f'return t * {s}')}")
        self.made("vector", f"{g}({v})")

    def result(self):
        parts = [self.pick(self.one("vector", "matrix", "view")) for _ in range(self.random.randint(1, 3))]
        if self.smooth:
            return f"total({', '.join([*parts, 'x', 'box.data', 'box.grid'])})"
        return ", ".join([*parts, self.pick("vector"), self.number()])


# How the arguments of a call are related, and of what kind they are.
PATTERNS = [
    "plain",
    "plain",
    "plain",
    "plain",
    "same",
    "overlap",
    "reversed",
    "row",
    "transposed",
    "strided",
    "held",
    "readonly",
    "ints",
    "floats",
    "complexes",
    "fortran",
]


def arguments(module, size, pattern="plain"):
    n = size
    x = np.linspace(0.5, 2.5, n)
    y = np.cos(np.arange(n)) + 1.3
    A = np.sin(np.arange(n * n) * 1.7).reshape(n, n) + 1.1
    k = (np.arange(n) * 5 + 2) % n
    k[0] = k[1]
    data, grid = np.linspace(1.0, 2.0, n), np.cos(np.arange(n * n)).reshape(n, n)
    match pattern:
        case "same":
            y = x
        case "overlap":
            whole = np.linspace(0.5, 2.5, n + 1)
            x, y = whole[:-1], whole[1:]
        case "reversed":
            y = x[::-1]
        case "row":
            x = A[1]
        case "transposed":
            grid = A.T
        case "strided":
            x, A = (
                np.linspace(0.5, 2.5, 2 * n)[::2],
                np.sin(np.arange(4.0 * n * n)).reshape(2 * n, 2 * n)[::2, ::-2],
            )
        case "held":
            data, grid = x, A
        case "readonly":
            x.flags.writeable = False
        case "ints":
            x, A = np.arange(n) + 1, np.arange(n * n).reshape(n, n)
        case "floats":
            x, A = x.astype(np.float32), A.astype(np.float32)
        case "complexes":
            x = x + 0.5j
        case "fortran":
            A, grid = np.asfortranarray(A), np.asfortranarray(grid)
    return [x, y, A, k, module["Box"](data, grid)]
