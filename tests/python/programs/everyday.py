"""Programs of Python as numerical code uses it: containers, classes, generators, exceptions, contexts, prints.

A program is a function of two arrays, a list, a dict and an object, which may write to all of them.
"""

from typing import ClassVar

import numpy as np

from .writer import Writer as Base

PRELUDE = """
import collections, contextlib, copy, dataclasses, functools, itertools, math, operator, warnings
import numpy as np

counter = 0
history = []

class Refused(ValueError):
    def __init__(self, code):
        super().__init__(f"code {code}")
        self.code = code

class Base:
    scale = 2
    def __init__(self, value, n=1):
        self.value = value
        self.n = n
    def __repr__(self):
        return f"{type(self).__name__}({self.value!r}, {self.n})"
    @property
    def double(self):
        return self.value * self.scale
    @double.setter
    def double(self, new):
        self.value = new
    @classmethod
    def one(cls):
        return cls(1.0)
    @staticmethod
    def half(x):
        return x / 2
    def __add__(self, other):
        if isinstance(other, Base):
            return Base(self.value + other.value, self.n + other.n)
        if isinstance(other, str):
            return NotImplemented
        return Base(self.value + other, self.n)
    __radd__ = __add__
    def __eq__(self, other):
        return isinstance(other, Base) and self.n == other.n
    def __hash__(self):
        return hash(self.n)
    def __len__(self):
        return self.n
    def __getitem__(self, i):
        if not 0 <= i < 3:
            raise IndexError(i)
        return self.value * i
    def __call__(self, x, k=1):
        return self.value * x + k
    def __enter__(self):
        self.n += 1
        return self
    def __exit__(self, kind, error, trace):
        print("exit", kind and kind.__name__)
        return kind is Refused

class Derived(Base):
    scale = 3
    def __init__(self, value):
        super().__init__(value, 4)
        self.extra = [value]
    def __getattr__(self, name):
        if name.startswith("any_"):
            return len(name)
        raise AttributeError(name)
    def total(self):
        return sum(self.extra) + super().double

class Typed:
    def __set_name__(self, owner, name):
        self.name = "_" + name
    def __get__(self, instance, owner):
        return self if instance is None else getattr(instance, self.name)
    def __set__(self, instance, new):
        if new is None:
            raise TypeError("None")
        setattr(instance, self.name, new)

class Slots:
    __slots__ = ("a", "_b")
    b = Typed()
    def __init__(self, a, b):
        self.a = a
        self.b = b

@dataclasses.dataclass
class Data:
    first: object
    second: float = 2.0
    items: list = dataclasses.field(default_factory=list)
    def __post_init__(self):
        self.sum = self.first + self.second

Pair = collections.namedtuple("Pair", "left right")

def numbers(n, x):
    try:
        for i in range(n):
            got = yield x * i
            if got is not None:
                print("got", got)
    finally:
        print("done")
    return n

def delegating(x):
    n = yield from numbers(2, x)
    yield x + n

@contextlib.contextmanager
def scope(name):
    print("enter", name)
    try:
        yield name
    except KeyError:
        print("key error in", name)
    finally:
        print("leave", name)

def traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        print("call", function.__name__)
        return function(*args, **kwargs)
    return wrapper

@traced
def helper(x, *rest, k=1, **more):
    return x * k + sum(rest) + len(more)

def fail(x, how):
    if how == 0:
        raise Refused(how)
    if how == 1:
        return {}["missing"]
    if how == 2:
        return [1][how]
    if how == 3:
        return int("x")
    if how == 4:
        return x.nothing
    return x / how
"""


class Writer(Base):
    """Arrays, containers, objects and numbers, and whatever else Python makes of them."""

    HEADER = "def f(x, y, items, table, box):\n    global counter"
    NAMES: ClassVar[dict[str, list[str]]] = {
        "array": ["x", "y"],
        "list": ["items"],
        "dict": ["table"],
        "object": ["box"],
        "int": ["3"],
        "number": ["2.5"],
        "any": [],
    }

    def array(self):
        a, b = self.pick("array"), self.pick("array")
        n, o = self.number(), self.pick("object")
        return self.random.choice(
            [
                f"{a} + {b}",
                f"{a} * {n}",
                f"np.sin({a})",
                f"{a}[::-1]",
                f"{a}.copy()",
                f"np.where({a} > {n}, {a}, {b})",
                f"{a} - {a}.mean()",
                f"{o}.value + {a}",
                f"{o}.double * 1.0",
                f"{o}({a})",
                f"helper({a}, {n}, k=2, z={n})",
                f"Base.half({b})",
                f"np.stack([{a}, {b}]).sum(axis=0)",
                f"sum([{a}, {b}])",
                f"sum(numbers(3, {a}))",
                f"functools.reduce(operator.add, [{a}, {b}, {n}])",
                f"abs({a})",
                f"-{a}",
                f"(lambda t, k={n}: t * k)({a})",
                f"max(list(numbers(2, {a})), key=len)",
                f"np.cumsum({a})",
                f"np.add({a}, {n}, out=np.empty_like({a}))",
                f"{a} if {n} else {b}",
                f"Pair({a}, {n}).left",
                f"Data({a}).sum",
                f"Derived({a}).total()",
                f"Slots({a}, {b}).b",
                f"copy.copy({a})",
                f"[t for t in ({a}, {b})][{self.int()} % 2]",
                f"({o} + {a}).value",
                f"(1.0 + {o}).value * {a}",
            ]
        )

    def int(self):
        i = self.pick("int")
        items, table = self.pick("list"), self.pick("dict")
        return self.random.choice(
            [
                f"{i} + 1", f"len({items})", f"len({table})", f"len({self.pick('array')})", f"{i} % 3",
                f"{self.pick('object')}.n", f"int({i} * 1.5)", f"({i} * 7) // 2", "counter",
                f"sum(k for k in range({i} % 5))", f"min({i}, 4)", f"{i}", f"{self.random.randint(-2, 5)}",
            ]
        )  # fmt: skip

    def number(self):
        return self.random.choice(
            [self.int(), self.pick("number"), "0.5", "-1.25", f"math.sqrt({self.int()} ** 2)", "2"]
        )

    def test(self):
        i, j = self.int(), self.int()
        return self.random.choice(
            [
                f"{i} > {j}", f"{i} < {j} <= 6", f"not {i}", f"{i} and {j}", f"'k' in {self.pick('dict')}",
                f"isinstance({self.pick('object')}, Derived)", f"{i} in (1, 2, 3)", f"{i} == {j}",
                f"hasattr({self.pick('object')}, 'extra')", f"{self.pick('list')}", f"{self.pick('dict')}.get('q') is None",
                f"{self.pick('object')} == {self.pick('object')}", f"{self.pick('array')}.sum() > {i}",
                f"(w := {i}) > 1", f"callable({self.pick('object')})", f"{{1, {i}}} <= {{1, 2, 3}}",
            ]
        )  # fmt: skip

    def anything(self):
        o = self.pick("object")
        return self.random.choice(
            [
                self.pick("array"), self.pick("list"), self.pick("dict"), o, self.int(), self.number(),
                f"({self.pick('array')}, {self.int()})", f"f'{{{self.int()}:>4}}|{{{self.number()}!r}}'",
                f"f'{{{self.pick('array')}.sum():.3f}}'", f"'%d %s' % ({self.int()}, 'a')",
                f"{{{self.int()}, {self.int()}}}", f"sorted([{self.int()}, {self.int()}], reverse=True)",
                f"list(enumerate([{self.int()}]))", f"dict(a={self.number()}, **{{'b': {self.int()}}})",
                f"[k for k, v in {self.pick('dict')}.items()]", f"Pair({self.int()}, {self.pick('array')})",
                f"{o}.any_thing if isinstance({o}, Derived) else None", f"list(delegating({self.int()}))",
                f"list(itertools.chain([{self.int()}], {self.pick('list')}))", f"type({o}).__name__",
                f"tuple(itertools.combinations(range({self.int()} % 4), 2))", f"{self.pick('list')}[-1:]",
                f"Data({self.number()})", f"','.join(str(t) for t in range({self.int()} % 4))",
                f"next(iter({self.pick('list')}), None)", f"{o}[1]", f"getattr({o}, 'missing', 7)",
            ]
        )  # fmt: skip

    def statements(self):
        return [
            self.assign, self.assign, self.assign, self.assign, self.store, self.store, self.mutate, self.mutate, self.prints,
            self.branch, self.loop, self.attempt, self.scope, self.object_write, self.object_write,
            self.function, self.outer, self.unpack, self.matches, self.warns, self.generator, self.deletes,
        ]  # fmt: skip

    def rest(self):
        self.prints()

    def assign(self):
        kind = self.random.choice(["array", "array", "int", "number", "any", "object", "list", "dict"])
        make = {
            "array": self.array,
            "int": self.int,
            "number": self.number,
            "any": self.anything,
            "object": lambda: self.random.choice(
                [
                    f"Base({self.pick('array')}, {self.int()})", f"Derived({self.pick('array')})",
                    f"{self.pick('object')} + {self.number()}", "Base.one()", self.pick("object"),
                    f"Base({self.number()})", f"copy.copy({self.pick('object')})",
                ]
            ),
            "list": lambda: self.random.choice(
                [
                    f"[{self.int()}, {self.pick('array')}, {self.number()}]", f"list(range({self.int()} % 6))",
                    f"{self.pick('list')} + [{self.int()}]", f"{self.pick('list')}[::-1]",
                    f"[t * 2 for t in range({self.int()} % 5) if t != 1]", self.pick("list"),
                    f"[{self.int()}] * 2",
                ]
            ),
            "dict": lambda: self.random.choice(
                [
                    f"{{'k': {self.int()}, 'v': {self.pick('array')}}}", f"dict({self.pick('dict')})",
                    f"{{i: i * {self.int()} for i in range(3)}}", f"{{**{self.pick('dict')}, 'n': {self.int()}}}",
                    "dict.fromkeys('ab', 0)", self.pick("dict"), f"dict(zip('abc', {self.pick('list')}))",
                ]
            ),
        }[kind]  # fmt: skip
        self.made(kind, make())

    def store(self):
        a, b = self.pick("array"), self.pick("array")
        n = self.number()
        self.emit(
            self.random.choice(
                [
                    f"{a}[0] = {n}", f"{a}[1:] = {n}", f"{a} += {b}", f"{a}[{self.int()} % 3] *= {n}",
                    f"{a}[::2] = {b}[::2] * 2", f"{a}[1:] += {a}[:-1]", f"{a}[{a} > 1] = {n}",
                    f"{a}.fill({n})", f"np.add({a}, {b}, {a})", f"np.multiply({a}, {n}, out={a})",
                    f"np.copyto({a}, {b})", f"{a}[:] = np.sort({b})", f"{a}[[0, 1]] = {n}", f"{a}.sort()",
                    f"{a}[::-1][0] = {n}", f"np.maximum({a}, {n}, out={a}[:])", f"{a}[...] = {b}",
                ]
            )
        )  # fmt: skip

    def mutate(self):
        items, table = self.pick("list"), self.pick("dict")
        i = self.int()
        self.emit(
            self.random.choice(
                [
                    f"{items}.append({i})", f"{items}.insert(0, {self.number()})", f"{items}.extend([{i}, {i}])",
                    f"{items}.reverse()", f"{items}[0:1] = [{i}, {self.pick('array')}]", f"{items} += [{i}]", f"{items}.pop()",
                    f"{items}[0] = {self.number()}", f"{table}['k'] = {self.pick('array')}", f"{table}.update(z={i})",
                    f"{table}.setdefault('s', []).append({i})", f"{table}.pop('k', None)", f"{table}[{i}] = {self.number()}",
                    f"{items}.remove({i})", f"del {items}[-1]", f"{items}.clear()", f"{table}.get('k')", f"{items}.sort(key=id) if 0 else None",
                    f"{items}.append({self.pick('array')})",
                ]
            )
        )  # fmt: skip

    def object_write(self):
        o = self.pick("object")
        self.emit(
            self.random.choice(
                [
                    f"{o}.value = {self.pick('array')}", f"{o}.n += 1", f"{o}.double = {self.number()}",
                    f"{o}.tag = {self.anything()}", f"setattr({o}, 'n', {self.int()} % 5)",
                    f"{o}.value = {o}.value * 2", f"{o}.value[0] = {self.number()}",
                    f"{o}.value += {self.number()}", f"{o}.log = getattr({o}, 'log', []) + [{self.int()}]",
                ]
            )
        )  # fmt: skip

    def prints(self):
        self.emit(f"print({self.anything()}, {self.anything()})")

    def branch(self):
        self.emit(f"if {self.test()}:")
        self.block()
        if self.random.random() < 0.5:
            self.emit(f"elif {self.test()}:")
            self.block()
        if self.random.random() < 0.5:
            self.emit("else:")
            self.block()

    def loop(self):
        self.count += 1
        i = f"i{self.count}"
        iterable = self.random.choice(
            [
                f"range({self.int()} % 4)", f"list({self.pick('dict')}.items())[:3]", f"{self.pick('list')}[:3]",
                f"enumerate({self.pick('list')}[:2])", f"zip({self.pick('array')}, range(2))", f"numbers(2, {self.int()})",
                f"reversed([1, {self.int()}])", f"map(str, range({self.int()} % 3))", "itertools.islice(itertools.count(), 2)",
                f"Base({self.pick('array')})",
            ]
        )  # fmt: skip
        if self.random.random() < 0.2:
            self.emit(f"{i} = 0")
            self.emit(f"while {i} < {self.random.randint(0, 3)}:")
            self.depth += 1
            self.emit(f"{i} += 1")
            self.depth -= 1
        else:
            self.emit(f"for {i} in {iterable}:")
        self.depth += 1
        if self.random.random() < 0.3:
            self.emit(f"if {self.test()}: {self.random.choice(['break', 'continue'])}")
        self.depth -= 1
        self.block()
        if self.random.random() < 0.2:
            self.emit("else:")
            self.block(1)

    def attempt(self):
        self.emit("try:")
        self.depth += 1
        self.emit(
            f"fail({self.pick('array')}, {self.int()} + 4)"
            if self.random.random() < 0.5
            else f"fail(x, {self.random.randint(0, 5)})"
        )
        self.depth -= 1
        self.block()
        handler = self.random.choice(
            [
                "except Refused as e:\n{0}    print(e.code, e)", "except (KeyError, IndexError) as e:\n{0}    print(repr(e))",
                "except ValueError as e:\n{0}    print(type(e).__name__, e.args)", "except Exception:\n{0}    raise",
                "except AttributeError as e:\n{0}    raise RuntimeError('r') from e", "except Exception as e:\n{0}    print('caught', type(e))",
            ]
        )  # fmt: skip
        self.emit(handler.format("    " * self.depth))
        if self.random.random() < 0.3:
            self.emit("else:")
            self.block(1)
        if self.random.random() < 0.4:
            self.emit("finally:")
            self.block(1)

    def scope(self):
        self.emit(
            "with "
            + self.random.choice(
                [
                    "scope('a') as name:", f"{self.pick('object')}:", "np.errstate(all='ignore'):",
                    "contextlib.suppress(ValueError):", f"scope('b'), Base({self.pick('array')}) as inner:",
                    "contextlib.nullcontext(3):", "warnings.catch_warnings():",
                ]
            )
        )  # fmt: skip
        self.depth += 1
        if self.random.random() < 0.3:
            self.emit(f"fail(x, {self.int()})")
        self.depth -= 1
        self.block()

    def function(self):
        self.count += 1
        name = f"g{self.count}"
        self.emit(f"def {name}(t, *rest, k={self.int()}, **more):")
        self.depth += 1
        if self.random.random() < 0.4:
            self.emit(f"c{self.count} = [0]")
        self.emit(f"return t * k + len(rest) + len(more) + {self.int()}")
        self.depth -= 1
        self.made("array", f"{name}({self.pick('array')}, {self.int()}, k={self.int()}, z=1)")

    def generator(self):
        self.count += 1
        g = f"g{self.count}"
        self.emit(f"{g} = numbers(3, {self.pick('array')})")
        self.emit(
            self.random.choice([f"print(next({g}))", f"next({g}); {g}.send({self.int()})", f"{g}.close()"])
        )
        self.emit(self.random.choice([f"print(len(list({g})))", f"{g}.close()", f"print(*{g})"]))

    def outer(self):
        self.emit(
            self.random.choice(
                [
                    "history.append(len(history))",
                    "counter += 1",
                    f"history.append({self.int()})",
                    "history.clear()",
                ]
            )
        )

    def unpack(self):
        self.count += 1
        a, b = f"a{self.count}", f"b{self.count}"
        self.emit(
            self.random.choice(
                [
                    f"{a}, *{b} = [{self.int()}, {self.int()}, {self.int()}]", f"{a}, {b} = {self.int()}, {self.int()}",
                    f"({a}, {b}), _ = Pair({self.int()}, 1), 2", f"{a}, {b} = {self.pick('list')}",
                    f"{a} = {b} = {self.int()}",
                ]
            )
        )  # fmt: skip

    def matches(self):
        self.emit(f"match {self.int()}:")
        self.depth += 1
        self.emit("case 1 | 2:")
        self.block(1)
        self.emit(f"case k if k > {self.int()}:")
        self.block(1)
        self.emit("case _:")
        self.block(1)
        self.depth -= 1

    def warns(self):
        self.emit(f"warnings.warn(f'number {{{self.int()}}}', RuntimeWarning)")

    def deletes(self):
        name = self.made("any", self.int())
        self.emit(self.random.choice([f"del {name}", f"del {self.pick('dict')}['k']", "del box.tag"]))
        self.names["any"].remove(name)

    def result(self):
        results = [self.anything() for _ in range(self.random.randint(1, 4))] + [self.pick("array")]
        return ", ".join(results)


PATTERNS = ["plain"]


def arguments(module, size, pattern="plain"):
    x = np.linspace(0.5, 2.5, size)
    box = module["Derived" if size % 2 else "Base"](np.linspace(1.0, 2.0, size))
    return [x, x[::-1] + 0.25, [1, 2.5, "s"], {"k": 1, "v": x * 2}, box]
