"""Both fronts read every construct, and what they read does what CPython does.

The law: the printed blocks of a function, run by the small interpreter below, give the function's
own result, exception or printed output, for the source front and for the bytecode front.

PYTEST_DONT_REWRITE: the functions below are tested as they are written, assertions included.
"""

import builtins
import contextlib
import importlib
import inspect
import io
import itertools
import linecache
import operator
import re
import sys
import types

import numpy as np
import pytest

from lazy import _lazy

FRONTS = ("source", "bytecode")


# --- an interpreter of printed blocks -------------------------------------------------------------


class Scope(dict):
    """Names of one frame: locals, cells, and no others."""

    def __init__(self, code, cells):
        super().__init__()
        self.cells = {name: types.CellType() for name in code.co_cellvars} | cells
        self.names = set(code.co_varnames)

    def __missing__(self, name):
        if name in self.cells:
            try:
                return self.cells[name].cell_contents
            except ValueError:
                raise UnboundLocalError(name) from None
        if name in self.names or name.startswith("S_"):
            raise UnboundLocalError(name)
        raise KeyError(name)

    def __setitem__(self, name, value):
        if name in self.cells:
            self.cells[name].cell_contents = value
        else:
            super().__setitem__(name, value)

    def __delitem__(self, name):
        if name in self.cells:
            del self.cells[name].cell_contents
        else:
            super().__delitem__(name)


def python(text):
    """The listing's text with names that Python accepts."""
    # The parameter of a comprehension's code is called `.0`.
    text = re.sub(r"(?<![\w)\]])\.0(?!\d)", "S_0arg", text)
    text = re.sub(r"\$\$(\w+)", r"I_\1", text)
    return re.sub(r"\$([\w]+)(\.(?=\d))?", lambda m: "S_" + m[1] + ("_" if m[2] else ""), text)


def parse(listing):
    blocks, nested = [], []
    for line in listing.splitlines()[1:]:
        if match := re.match(r"(\d+):(?:  except -> (\d+))?$", line):
            blocks.append(([], match[2] and int(match[2])))
        elif match := re.match(r"function \d+: (.+) at (\d+)$", line):
            nested.append((match[1], int(match[2])))
        else:
            blocks[-1][0].append(python(line[2:]))
    return blocks, nested


def inner_codes(code):
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield const
            yield from inner_codes(const)


def interpret(code, namespace, arguments, cells, front):
    """What the code returns; of a generator, the generator."""
    run = frame(code, namespace, arguments, cells, front)
    if code.co_flags & inspect.CO_GENERATOR:
        return run
    try:
        next(run)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a yield outside a generator")


def frame(code, namespace, arguments, cells, front):
    blocks, nested = parse(_lazy._blocks(code, front))
    scope = Scope(code, cells)
    for name, value in arguments.items():
        scope[name] = value
    caught, handled = [None], []

    def function(index, defaults, kwdefaults):
        name, line = nested[index]
        inner = next(c for c in inner_codes(code) if (c.co_name, c.co_firstlineno) == (name, line))
        closure = tuple(scope.cells[free] for free in inner.co_freevars)
        made = types.FunctionType(inner, namespace, name, defaults, closure)
        made.__kwdefaults__ = kwdefaults
        return interpreted(made, front)

    def unpack(value, before, after=None):
        items = list(value)
        if after is None:
            if len(items) != before:
                raise ValueError("unpack")
            return tuple(items)
        if len(items) < before + after:
            raise ValueError("unpack")
        end = len(items) - after
        return (*items[:before], items[before:end], *items[end:])

    def inplace(op, x, y):
        names = {"+": "iadd", "-": "isub", "*": "imul", "@": "imatmul", "/": "itruediv"}
        names |= {"//": "ifloordiv", "%": "imod", "**": "ipow", "<<": "ilshift", ">>": "irshift"}
        names |= {"&": "iand", "|": "ior", "^": "ixor"}
        return getattr(operator, names[op])(x, y)

    def form(value, conversion, spec):
        convert = {"": lambda v: v, "s": str, "r": repr, "a": ascii}[conversion]
        return format(convert(value), spec)

    def leave(manager, exception=None):
        kind = None if exception is None else type(exception)
        trace = exception and exception.__traceback__
        return type(manager).__exit__(manager, kind, exception, trace)

    def merge(target, more):
        if target.keys() & dict(more).keys():
            raise TypeError("multiple values")
        target.update(more)

    def fresh(name):
        old, scope.cells[name] = scope.cells[name], types.CellType()
        return old

    def first_argument():
        return scope[code.co_varnames[0]]

    intrinsics = {
        "iter": iter,
        "unpack": unpack,
        "slice": slice,
        "inplace": inplace,
        "function": function,
        "format": form,
        "join": lambda *parts: "".join(parts),
        "import": lambda name, names, level: __import__(name, namespace, {}, names or (), level),
        "import_from": getattr,
        "enter": lambda manager: type(manager).__enter__(manager),
        "exit": leave,
        "append": list.append,
        "add": set.add,
        "put": dict.__setitem__,
        "extend": list.extend,
        "update": lambda container, more: container.update(more),
        "merge": merge,
        "tuple": tuple,
        "caught": lambda: caught[0],
        "matches": isinstance,
        "super": lambda: super(scope.cells["__class__"].cell_contents, first_argument()),
        "fresh": fresh,
        "restore": scope.cells.__setitem__,
    }
    for name, meaning in intrinsics.items():
        dict.__setitem__(scope, "I_" + name, meaning)

    def value(text):
        return eval(text, namespace, scope)

    at = 0
    while True:
        (*statements, end), handler = blocks[at]
        try:
            for statement in statements:
                match = re.fullmatch(r"(?:(\S+) = )?I_yield(_from)?\((.*)\)", statement)
                if match is None:
                    exec(statement, namespace, scope)
                    continue
                target, delegates, item = match.groups()
                sent = (yield from value(item)) if delegates else (yield value(item))
                if target:
                    scope[target] = sent
            kind, _, rest = end.partition(" ")
            if kind == "goto":
                at = int(rest)
            elif kind == "branch":
                test, then, otherwise = re.fullmatch(r"(.+) -> (\d+), (\d+)", rest).groups()
                at = int(then if value(test) else otherwise)
            elif kind == "next":
                target, iterator, body, leaving = re.fullmatch(
                    r"(\S+) of (\S+) -> (\d+), (\d+)", rest
                ).groups()
                try:
                    scope[target] = next(value(iterator))
                    at = int(body)
                except StopIteration:
                    at = int(leaving)
            elif kind == "return":
                result = value(rest)
                return result
            elif kind == "raise":
                if rest:
                    exec(end, namespace, scope)
                raise handled[-1]
            else:
                raise NotImplementedError(end)
        except Exception as exception:
            if handler is None or isinstance(exception, NotImplementedError):
                raise
            caught[0] = exception
            handled.append(exception)
            at = handler


def interpreted(function, front):
    def call(*args, **kwargs):
        if function.__code__.co_name.startswith("<") and function.__code__.co_name != "<lambda>":
            arguments = {".0": args[0]}
        else:
            bound = inspect.signature(function).bind(*args, **kwargs)
            bound.apply_defaults()
            arguments = bound.arguments
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
        arguments = {("S_0arg" if k == ".0" else k): v for k, v in arguments.items()}
        return interpret(function.__code__, function.__globals__, arguments, cells, front)

    call.__name__ = function.__name__
    return call


def outcome(function, *args, **kwargs):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            result = function(*args, **kwargs)
            if isinstance(result, types.FunctionType):
                result = result()
            result = ("returned", result)
        except Exception as exception:
            cause = exception.__cause__
            result = ("raised", type(exception), type(cause))
    return result, out.getvalue()


# --- one function per construct -------------------------------------------------------------------

G = 3.0


def straight(x, y):
    z = x * 2.0 + y
    return z - x / y**2 + -x + ~int(y) + (+y) + G


def swap(x, y):
    x, y = y, x
    x, y, z = x + y, x, y
    a, b, c, d = z, y, x, 1
    return x, y, z, a, b, c, d


def augmented(x, y):
    a = [x, y]
    a[0] += y
    a[1] **= 2
    d = {"k": 1}
    d["k"] -= 5
    o = types.SimpleNamespace(v=x)
    o.v *= 3
    x //= 2
    x %= 5
    a += [x]
    a[1:] += [4]
    return a, d, o.v, x


def conditionals(x, y):
    if x > y:
        r = "gt"
    elif x == y and not y < 0 or x is None:
        r = "eq"
    else:
        r = "lt"
    s = 1 if x else 2 if y else 3
    t = x and y or "z"
    u = not (x or y)
    return r, s, t, u, (x or y) and (y or x)


def chained(x, y):
    c = 0 < x < y < 10
    d = x in (1, 2, 3) not in [True]
    e = (0 <= x < 3) if 1 < y <= 5 != x else -1
    return c, d, e, x is not y


def loops(x, y):
    total = 0
    for i in range(x + 3):
        for j, k in enumerate("abc"):
            if j == i:
                continue
            if i > 3:
                break
            total += i * j + ord(k)
        else:
            total += 1000
    else:
        total += 0.5
    n = x
    while n < 20:
        n += y + 1
        if n == 13:
            break
    else:
        n = -n
    while True:
        n += 1
        if n > 3:
            break
    return total, n


def comprehensions(x, y):
    x_ = [i * y for i in range(5) if i % 2 if i]
    t = [(i, j) for i in range(3) for j in range(i) if i + j]
    s = {i % 3 for i in range(x + 7)}
    d = {k: [v for v in range(k)] for k in range(x, y)}
    nested = [[i * j for i in range(3)] for j in range(2)]
    same = [[i for i in range(i)] for i in range(4)]
    i = 7
    hidden = [i for i in range(3)], i
    return x_, t, s, d, nested, same, hidden


def generators(x, y):
    a = sum(i * x for i in range(y + 1))
    b = tuple(i for i in [x, y] if i)
    c = any(v > 3 for v in (x, y))
    c = c, all(v for v in (x, y))
    d = dict((i, j) for i in range(2) for j in range(i))
    e = [sum(i * j for j in range(3)) for i in range(4)]
    return a, b, c, d, e, max((i for i in range(5)), key=lambda v: -v)


def captured(x, y):
    i = 100
    fs = [lambda: i * x for i in range(3)]
    return [f() for f in fs], i


def unpacking(x, y):
    a, (b, *c), d = x, range(4), y
    *e, f = [x, y]
    [g, h] = "gh"
    k = l = [x]
    m = (*c, x, *e)
    n = [*c, 1, *m]
    o = {*c, y}
    p = {"a": 1, **{"b": x}, "c": 2}
    first, *_ = n
    return a, b, c, d, e, f, g, h, k is l, m, n, o, p, first


def wrong_unpacking(x, y):
    a, b = range(x)
    return a, b


def calls(x, y):
    def inner(a, b=2, *c, d=4, **e):
        return a, b, c, d, e

    r = inner(x), inner(x, y), inner(*[x, y, 3]), inner(1, d=y, q=2)
    s = inner(1, *(2, 3), 4, d=5, **{"z": 1}, **{"w": 2})
    t = inner(**{"a": 1, "d": 2}), inner(*range(3), **{})
    return r, s, t


def twice_keyword(x, y):
    return dict(a=1, **{"a": 2})


def walrus(x, y):
    if (n := x + y) > 3:
        n = -n
    m = [q := i * 2 for i in range(3)]
    return n, m, q, (z := n) + z


def slices(x, y):
    a = list(range(10))
    b = a[1:], a[:-1], a[::2], a[x:y], a[:], a[y:x:-1], a[-2]
    a[1:3] = [0]
    a[::3] = [9] * len(a[::3])
    del a[0], a[1:2]
    m = np.arange(12.0).reshape(3, 4)
    m[1:, 2] = -1
    m[..., 0] += 5
    return b, a, m[:, None, 1:3].tolist(), m[[0, 1], 1].tolist(), m[1][2]


def strings(x, y):
    w = 8
    return f"{x}", f"a{x!r:>5}b{y:{w}.2f}{'q'!s}", f"{x=}", f"{{}} {y:03d}", "ab", f""


def closures(x, y):
    n = 0

    def count(step=x, *, scale=2):
        nonlocal n
        n += step * scale
        return n

    first = n + count() + n
    second = [count(), n, count(scale=5), n]
    return first, second, (lambda a, b=y: a + b + n)(1)


def cell_order(x, y):
    def change():
        nonlocal x
        x = 100
        return 1

    return x + change(), x


def decorated(x, y):
    def plus(amount):
        def wrap(f):
            return lambda *a: f(*a) + amount

        return wrap

    @plus(x)
    @plus(10)
    def f(a):
        return a * 2

    return f(y)


def tries(x, y):
    log = []
    for v in (x, y, 0, "s"):
        try:
            log.append(1 / v)
        except ZeroDivisionError:
            log.append("zero")
            continue
        except (TypeError, ValueError) as e:
            log.append(type(e).__name__)
        else:
            log.append("else")
        finally:
            log.append("finally")
    try:
        e
    except NameError:
        log.append("gone")
    return log


def finally_paths(x, y):
    log = []

    def early(v):
        for i in range(3):
            try:
                if v == 0:
                    return "returned"
                if v == 1:
                    break
                if v == 2:
                    continue
                if v == 3:
                    raise KeyError(v)
            finally:
                log.append((v, i))
        return "fell"

    r = [early(v) for v in range(3)]
    try:
        early(3)
    except KeyError as e:
        r.append(e.args)
    return r, log


def reraises(x, y):
    try:
        try:
            raise ValueError("a")
        except ValueError:
            raise
    except ValueError as e:
        raise RuntimeError("b") from e


def nested_tries(x, y):
    try:
        try:
            x / 0
        except KeyError:
            return "no"
        finally:
            y += 1
    except ZeroDivisionError as e:
        try:
            raise TypeError from e
        except TypeError as inner:
            return y, type(inner.__cause__).__name__
    return "none"


class Manager:
    def __init__(self, log, swallow=False):
        self.log, self.swallow = log, swallow

    def __enter__(self):
        self.log.append("enter")
        return self.log

    def __exit__(self, kind, exception, trace):
        self.log.append(kind and kind.__name__)
        return self.swallow


def withs(x, y):
    log = []
    with Manager(log) as a, Manager(log):
        a.append("body")
    with Manager(log, swallow=True):
        log.append(1 / 0)
        log.append("not here")
    for i in range(3):
        with Manager(log):
            if i == 1:
                continue
            if i == 2:
                break
            log.append(i)

    def early():
        with Manager(log) as b:
            return len(b)

    log.append(early())
    try:
        with Manager(log):
            raise KeyError
    except KeyError:
        log.append("out")
    with np.errstate(divide="ignore"):
        r = np.float64(1.0) / 0.0
    return log, r


def asserts(x, y):
    assert x, "x is zero"
    assert x < y, f"{x} and {y}"
    return x


def imports(x, y):
    import math as m
    import os.path
    from itertools import chain, repeat as r
    import importlib.util as u

    return m.floor(x + 0.5), os.path.join("a", "b"), list(chain([x], r(y, 2))), u.__name__


COUNT = 0


def globals_(x, y):
    global COUNT
    COUNT = x
    COUNT += y
    r = COUNT
    del COUNT
    COUNT = 0
    return r


def deletes(x, y):
    d = {"a": x, "b": y}
    o = types.SimpleNamespace(v=1, w=2)
    del d["a"], o.v
    z = x
    del z
    try:
        return z
    except UnboundLocalError:
        return d, vars(o)


def matches(x, y):
    out = []
    for v in (x, y, 1, None, "s", -2.5):
        match v:
            case 0 | 1:
                out.append("small")
            case None:
                out.append("none")
            case "s" as t:
                out.append(t)
            case -2.5:
                out.append("float")
            case n if n > 3:
                out.append(n)
            case _:
                out.append("other")
    return out


def prints(x, y):
    for i in range(2):
        print(i, x, end=";")
    print()
    return y


def constants(x, y):
    return 10**30, 1e308, -0.0, 2j, b"a\n", (1, (2.5, "x")), x in {1, 2}, [1, 2, 3, 4], ..., None, True


def none_tests(x, y):
    a = None if y else x
    if a is None:
        return "none"
    if a is not None and x is not None:
        return "some"


def early_returns(x, y):
    if x > y:
        return "a"
    for i in range(5):
        if i == x:
            return i
    return


def shadow(x, y):
    def f():
        return sum

    sum = x
    return f(), [sum for sum in range(2)], sum


def evaluation_order(x, y):
    log = []

    def t(v):
        log.append(v)
        return v

    d = {t("k"): t("v"), t("k2"): t("v2")}
    d[t("i")] = t("value")
    a = t(1) + t(2) * t(3)
    b = [t(i) for i in range(2) if t(i)]
    r = (t(lambda *p, **q: (p, q)))(t(5), *t([6]), k=t(7), **t({"m": 8}))
    d[t("i")] += t("more")
    t(0) < t(1) < t(0) < t(9)
    return d, a, b, r, [v for v in log if not callable(v)]


class Base:
    scale = 2

    def method(self, x):
        return x * self.scale


class Derived(Base):
    __private = 5

    def method(self, x):
        return super().method(x) + self.__private + __class__.scale

    def explicit(self, x):
        return super(Derived, self).method(x)


CONSTRUCTS = [
    straight, swap, augmented, conditionals, chained, loops, comprehensions, generators, captured,
    unpacking, wrong_unpacking, calls, twice_keyword, walrus, slices, strings, closures, cell_order,
    decorated, tries, finally_paths, reraises, nested_tries, withs, asserts, imports, globals_,
    deletes, matches, prints, constants, none_tests, early_returns, shadow, evaluation_order,
]  # fmt: skip


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("function", CONSTRUCTS, ids=lambda f: f.__name__)
def test_blocks_do_what_the_function_does(function, front):
    for x, y in [(1, 2), (0, 3), (4, 4), (2, 1), (0, 0)]:
        expected = outcome(function, x, y)
        assert outcome(interpreted(function, front), x, y) == expected


@pytest.mark.parametrize("front", FRONTS)
def test_methods(front):
    d = Derived()
    for function in (Derived.method, Derived.explicit):
        assert interpreted(function, front)(d, 3) == function(d, 3)


@pytest.mark.parametrize("front", FRONTS)
def test_lambdas_of_one_line(front):
    f, g = (lambda x: x + 1), (lambda x: x * 10)
    h = [(lambda x, k=k: x - k) for k in (1, 2)][1]
    for function in (f, g, h):
        assert interpreted(function, front)(5) == function(5)
    curried, thrice = (lambda a: lambda b: b * 2), (lambda a: lambda b: lambda c: a - b * c)
    assert interpreted(curried, front)(5)(3) == 6
    assert interpreted(thrice, front)(5)(3)(2) == -1
    assert interpreted(thrice(5), front)(3)(2) == -1


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize(
    "function, args",
    [
        (importlib.import_module("statistics").mean, ([1, 2, 4],)),
        (importlib.import_module("statistics").linear_regression, ([1, 2, 4], [2.0, 3.0, 9.0])),
        (importlib.import_module("textwrap").dedent, ("  a\n   b",)),
        (importlib.import_module("textwrap").shorten, ("some words to shorten", 12)),
        (importlib.import_module("fnmatch").translate, ("a*[b-c]?",)),
        (importlib.import_module("colorsys").rgb_to_hsv, (0.2, 0.4, 0.1)),
        (importlib.import_module("heapq").nsmallest, (3, [5, 1, 4, 2])),
        (importlib.import_module("string").capwords, ("some words",)),
        (importlib.import_module("shlex").join, (["a b", "c"],)),
        (importlib.import_module("colorsys").hls_to_rgb, (0.2, 0.4, 0.1)),
        (np.rot90.__wrapped__, (np.eye(3),)),
        (np.linspace.__wrapped__, (0.0, 1.0, 5)),
        (np.cross.__wrapped__, (np.array([1.0, 2, 3]), np.array([0.5, 1, 2]))),
        (np.polynomial.polynomial.polyval, (2.0, [1.0, 2, 3])),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_other_peoples_functions(function, args, front):
    expected = outcome(function, *args)
    assert repr(outcome(interpreted(function, front), *args)) == repr(expected)


@pytest.mark.parametrize(
    "module",
    ["numpy.lib._function_base_impl", "scipy.optimize._optimize", "statistics", "json.decoder", "textwrap"],
)
def test_all_functions_of_a_module_are_read(module):
    module = pytest.importorskip(module)
    codes = [v.__code__ for v in vars(module).values() if isinstance(v, types.FunctionType)]
    for code in [inner for code in codes for inner in (code, *inner_codes(code))]:
        if code.co_filename != module.__file__ or code.co_name[0].isupper():
            continue
        for front in FRONTS:
            assert _lazy._blocks(code, front).startswith(code.co_name)


def made_by_exec(text, filename):
    namespace = {}
    exec(compile(text, filename, "exec"), namespace)
    return namespace["f"]


def test_source_is_used_only_when_it_compiles_to_the_running_code(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("def f(x):\n    return x + 1\n")
    f = made_by_exec(path.read_text(), str(path))
    assert "x + 1" in _lazy._blocks(f, "source")
    path.write_text("def f(x):\n    return x + 2\n")
    linecache.checkcache(str(path))
    with pytest.raises(ValueError, match="does not compile to the running code"):
        _lazy._blocks(f, "source")
    assert "x + 1" in _lazy._blocks(f)


def test_without_any_text():
    f = made_by_exec("def f(x):\n    return x * 2.0\n", "<nowhere>")
    with pytest.raises(ValueError, match="does not compile to the running code"):
        _lazy._blocks(f, "source")
    assert _lazy._blocks(f) == "f(x)\n0:\n  $0 = x * 2.0\n  return $0\n"


def generator(x):
    total = 0
    try:
        while total < 6:
            sent = yield x + total
            total += 1 if sent is None else sent
    except KeyError as error:
        yield str(error)
    finally:
        yield "end"
    return total


def delegating(x):
    total = yield from generator(x)
    yield from [total, total]
    yield


def consumed(x):
    items = list(delegating(x))
    made = delegating(x)
    steps = [next(made), made.send(3), next(made)]
    try:
        steps.append(made.throw(KeyError("k")))
    finally:
        steps.append(sum(i for i in [1, 2] if i > 1))
    return items, steps, list(made)


@pytest.mark.parametrize("front", FRONTS)
def test_generators_stop_at_each_yield(front, monkeypatch):
    expected = consumed(2)
    for function in (generator, delegating):
        monkeypatch.setitem(globals(), function.__name__, interpreted(function, front))
    assert interpreted(consumed, front)(2) == expected


async def coroutine(x):
    return x


def test_coroutines_are_not_read():
    assert "unread async" in _lazy._blocks(coroutine, "bytecode")


@pytest.mark.parametrize(
    "filler", ["    # {[( '\n", '    """a \'\'\' " """\n', "    s = ')' + \"]\" \\\n        + ''\n"]
)
def test_statements_are_found_behind_brackets_in_strings(tmp_path, filler):
    path = tmp_path / "found.py"
    path.write_text(
        f"def g():\n{filler}    return 1\n\n\nclass A:\n    def f(self):\n        return __x\nf = A.f\n"
    )
    f = made_by_exec(path.read_text(), str(path))
    for front in FRONTS:
        assert "return _A__x" in _lazy._blocks(f, front)
