"""Python functions that do what compiled ones of the standard library do, for lifting to enter.

A compiled function such as `functools.reduce` calls back into the program, or keeps items that are
arrays. The machine enters the function given here in its place; the equivalents are those of the
library reference. Nothing here is called by Python itself.
"""

from __future__ import annotations

import collections
import copy
import functools
import inspect
import itertools
import operator
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy._core._multiarray_umath import _array_converter

from lazy import (
    _equivalents,
    _scipy_equivalents,
    _scipy_interpolate,
    _scipy_searches,
    _scipy_spatial,
    _scipy_stats,
    _sklearn_equivalents,
)

_MISSING = object()


def _reduce(function: Any, iterable: Any, initial: Any = _MISSING) -> Any:
    iterator = iter(iterable)
    if initial is _MISSING:
        try:
            value = next(iterator)
        except StopIteration:
            raise TypeError("reduce() of empty iterable with no initial value") from None
    else:
        value = initial
    for item in iterator:
        value = function(value, item)
    return value


def _chain(*iterables: Any) -> Iterator[Any]:
    for iterable in iterables:
        yield from iterable


def _accumulate(iterable: Any, func: Any = None, *, initial: Any = None) -> Iterator[Any]:
    iterator = iter(iterable)
    total = initial
    if initial is None:
        try:
            total = next(iterator)
        except StopIteration:
            return
    yield total
    for item in iterator:
        total = total + item if func is None else func(total, item)
        yield total


def _product(*iterables: Any, repeat: int = 1) -> Iterator[Any]:
    pools = [tuple(pool) for pool in iterables] * repeat
    result: list[Any] = [()]
    for pool in pools:
        result = [(*x, y) for x in result for y in pool]
    yield from result


def _combinations(iterable: Any, r: int) -> Iterator[Any]:
    pool = tuple(iterable)
    n = len(pool)
    if r > n:
        return
    indices = list(range(r))
    yield tuple([pool[i] for i in indices])
    while True:
        for i in reversed(range(r)):
            if indices[i] != i + n - r:
                break
        else:
            return
        indices[i] += 1
        for j in range(i + 1, r):
            indices[j] = indices[j - 1] + 1
        yield tuple([pool[i] for i in indices])


def _combinations_with_replacement(iterable: Any, r: int) -> Iterator[Any]:
    pool = tuple(iterable)
    n = len(pool)
    if not n and r:
        return
    indices = [0] * r
    yield tuple([pool[i] for i in indices])
    while True:
        for i in reversed(range(r)):
            if indices[i] != n - 1:
                break
        else:
            return
        indices[i:] = [indices[i] + 1] * (r - i)
        yield tuple([pool[i] for i in indices])


def _permutations(iterable: Any, r: int | None = None) -> Iterator[Any]:
    pool = tuple(iterable)
    n = len(pool)
    length = n if r is None else r
    for indices in _product(range(n), repeat=length):
        if len(set(indices)) == length:
            yield tuple([pool[i] for i in indices])


def _pairwise(iterable: Any) -> Iterator[Any]:
    iterator = iter(iterable)
    a = next(iterator, _MISSING)
    for b in iterator:
        yield a, b
        a = b


def _count(start: Any = 0, step: Any = 1) -> Iterator[Any]:
    while True:
        yield start
        start = start + step


def _cycle(iterable: Any) -> Iterator[Any]:
    saved = []
    for item in iterable:
        yield item
        saved.append(item)
    while saved:
        yield from saved


def _repeat(item: Any, times: int | None = None) -> Iterator[Any]:
    if times is None:
        while True:
            yield item
    for _ in range(times):
        yield item


def _islice(iterable: Any, *bounds: Any) -> Iterator[Any]:
    wanted = slice(*bounds)
    start = 0 if wanted.start is None else wanted.start
    step = 1 if wanted.step is None else wanted.step
    stop = wanted.stop
    if start < 0 or step < 1 or (stop is not None and stop < 0):
        raise ValueError("Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    position = 0
    iterator = iter(iterable)
    while stop is None or position < stop:
        item = next(iterator, _MISSING)
        if item is _MISSING:
            return
        if position >= start and (position - start) % step == 0:
            yield item
        position += 1


def _starmap(function: Any, iterable: Any) -> Iterator[Any]:
    for args in iterable:
        yield function(*args)


def _takewhile(predicate: Any, iterable: Any) -> Iterator[Any]:
    for item in iterable:
        if not predicate(item):
            return
        yield item


def _dropwhile(predicate: Any, iterable: Any) -> Iterator[Any]:
    iterator = iter(iterable)
    for item in iterator:
        if not predicate(item):
            yield item
            break
    yield from iterator


def _filterfalse(predicate: Any, iterable: Any) -> Iterator[Any]:
    for item in iterable:
        if not (item if predicate is None else predicate(item)):
            yield item


def _compress(data: Any, selectors: Any) -> Iterator[Any]:
    for item, selected in zip(data, selectors, strict=False):
        if selected:
            yield item


def _zip_longest(*iterables: Any, fillvalue: Any = None) -> Iterator[Any]:
    columns = [list(iterable) for iterable in iterables]
    longest = max([len(column) for column in columns], default=0)
    for i in range(longest):
        yield tuple([column[i] if i < len(column) else fillvalue for column in columns])


def _batched(iterable: Any, n: int, *, strict: bool = False) -> Iterator[Any]:
    if n < 1:
        raise ValueError("n must be at least one")
    items = list(iterable)
    if strict and len(items) % n:
        raise ValueError("batched(): incomplete batch")
    for start in range(0, len(items), n):
        yield tuple(items[start : start + n])


def _itemgetter(item: Any, *items: Any) -> Callable[[Any], Any]:
    if items:
        return lambda obj: tuple([obj[key] for key in (item, *items)])
    return lambda obj: obj[item]


def _attrgetter(attr: str, *attrs: str) -> Callable[[Any], Any]:
    def one(obj: Any, path: str) -> Any:
        for name in path.split("."):
            obj = getattr(obj, name)
        return obj

    if attrs:
        return lambda obj: tuple([one(obj, path) for path in (attr, *attrs)])
    return lambda obj: one(obj, attr)


def _methodcaller(name: str, /, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    return lambda obj: getattr(obj, name)(*args, **kwargs)


def _from_iterable(iterables: Iterable[Iterable[Any]]) -> Iterator[Any]:
    for iterable in iterables:
        yield from iterable


class _Deque(list[Any]):
    def __init__(self, iterable: Any = (), maxlen: int | None = None) -> None:
        super().__init__()
        self.maxlen = maxlen
        self.extend(iterable)

    def append(self, item: Any) -> None:
        self.insert(len(self), item)
        if self.maxlen is not None and len(self) > self.maxlen:
            del self[0]

    def appendleft(self, item: Any) -> None:
        self.insert(0, item)
        if self.maxlen is not None and len(self) > self.maxlen:
            del self[-1]

    def extend(self, items: Any) -> None:
        for item in items:
            self.append(item)

    def extendleft(self, items: Any) -> None:
        for item in items:
            self.appendleft(item)

    def popleft(self) -> Any:
        if not len(self):
            raise IndexError("pop from an empty deque")
        return self.pop(0)

    def rotate(self, n: int = 1) -> None:
        if len(self):
            k = n % len(self)
            items = list(self)
            self[:] = items[-k:] + items[:-k] if k else items


class _DefaultDict(dict[Any, Any]):
    def __init__(self, default_factory: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.default_factory = default_factory

    def __missing__(self, key: Any) -> Any:
        if self.default_factory is None:
            raise KeyError(key)
        self[key] = value = self.default_factory()
        return value


class _OrderedDict(dict[Any, Any]):
    def move_to_end(self, key: Any, last: bool = True) -> None:
        value = self.pop(key)
        rest = list(self.items())
        self.clear()
        if last:
            self.update(rest)
        self[key] = value
        if not last:
            self.update(rest)

    def popitem(self, last: bool = True) -> Any:
        if not len(self):
            raise KeyError("dictionary is empty")
        key = list(self)[-1 if last else 0]
        return key, self.pop(key)


def build(cls: type, content: Any, attributes: dict[str, Any]) -> Any:
    """The compiled object for one that was made of a class above."""
    if cls is collections.deque:
        return collections.deque(content, attributes["maxlen"])
    if cls is collections.defaultdict:
        return collections.defaultdict(attributes["default_factory"], content)
    return cls(content)


def _count_elements(mapping: Any, iterable: Any) -> None:
    for item in iterable:
        mapping[item] = mapping.get(item, 0) + 1


def _uncached(function: Any, maxsize: Any, typed: Any, info: Any) -> Any:
    return function


_SIMPLE = (
    *(type(None), bool, int, float, complex, str, bytes, range, slice, type, np.dtype, np.generic),
    *(types.FunctionType, types.BuiltinFunctionType, types.ModuleType, np.ufunc),
)


def _copy(x: Any) -> Any:
    if isinstance(x, (np.ndarray, list, dict, set)) and type(x) in (np.ndarray, list, dict, set):
        return x.copy()
    if isinstance(x, (*_SIMPLE, tuple, frozenset)):
        return x
    cls: Any = type(x)
    if hasattr(cls, "__copy__"):
        return x.__copy__()
    if _is_special(cls):
        return object.__reduce_ex__(x, 4)
    made = cls.__new__(cls)
    for name, value in vars(x).items():
        object.__setattr__(made, name, value)
    return made


def _deepcopy(x: Any, memo: Any = None) -> Any:
    known = [] if memo is None else memo
    for original, made in known:
        if original is x:
            return made
    if isinstance(x, _SIMPLE):
        return x
    if type(x) is np.ndarray:
        made = x.copy()
        known.append((x, made))
        return made
    if type(x) is tuple:
        return tuple([_deepcopy(item, known) for item in x])
    if type(x) is list:
        items: list[Any] = []
        known.append((x, items))
        for item in x:
            items.append(_deepcopy(item, known))
        return items
    if type(x) is dict:
        entries: dict[Any, Any] = {}
        known.append((x, entries))
        for key, value in x.items():
            entries[key] = _deepcopy(value, known)
        return entries
    if type(x) in (set, frozenset):
        return x.copy()
    cls: Any = type(x)
    if hasattr(cls, "__deepcopy__") or _is_special(cls):
        return object.__reduce_ex__(x, 4)
    made = cls.__new__(cls)
    known.append((x, made))
    for name, value in vars(x).items():
        object.__setattr__(made, name, _deepcopy(value, known))
    return made


def _is_special(cls: type) -> bool:
    """Whether a class has its own ideas of copying, or is more than its attributes."""
    own = ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__slots__")
    for base in cls.__mro__:
        if base is not object and any(name in vars(base) for name in own):
            return True
    return issubclass(cls, (tuple, list, dict, set, np.ndarray, BaseException))


def plain_dtype(dtype: Any) -> Any:
    """A dtype, which lifting asks for rather than enters."""
    return np.dtype(dtype)


def _dtype(dtype: Any, align: bool = False, copy: bool = False, metadata: Any = None) -> Any:
    """Lifted arrays carry no metadata: what looks for some finds none, as on any other array."""
    return plain_dtype(dtype)


def plain_signature(function: Any, bound: bool, **options: Any) -> inspect.Signature:
    """The signature of a function, without its first parameter if it is bound; asked for, not entered."""
    signature = inspect.signature(function, **options)
    return signature.replace(parameters=list(signature.parameters.values())[1:]) if bound else signature


def _signature(obj: Any, **options: Any) -> inspect.Signature:
    if isinstance(obj, types.MethodType):
        return plain_signature(obj.__func__, True, **options)
    return plain_signature(obj, False, **options)


def plain_attribute(obj: Any, attr: str, *default: Any) -> Any:
    """An attribute without running code, which lifting asks for rather than enters."""
    return inspect.getattr_static(obj, attr, *default)


def _getattr_static(obj: Any, attr: str, default: Any = _MISSING) -> Any:
    if isinstance(obj, (np.ndarray, np.generic, int, float, complex, list, tuple, dict)):
        # They have what their class has.
        obj = type(obj)
    return plain_attribute(obj, attr) if default is _MISSING else plain_attribute(obj, attr, default)


class _ArrayConverter:
    """What NumPy's functions in Python use to give back what they were given."""

    def __init__(self, *args: Any) -> None:
        self._given = args
        self._arrays = tuple([np.asanyarray(arg) for arg in args])
        numbers = (bool, int, float, complex, np.generic)
        self.scalar_input = tuple([isinstance(arg, numbers) for arg in args])

    def __len__(self) -> int:
        return len(self._arrays)

    def __getitem__(self, at: int) -> Any:
        return self._arrays[at]

    def as_arrays(self, /, subok: bool = True, pyscalars: str = "convert_if_no_array") -> Any:
        weak = [type(arg) in (bool, int, float, complex) for arg in self._given]
        if pyscalars == "convert" or (pyscalars == "convert_if_no_array" and all(weak)):
            return self._arrays
        chosen = zip(weak, self._given, self._arrays, strict=True)
        return tuple([given if is_weak else array for is_weak, given, array in chosen])

    def wrap(self, arr: Any, /, to_scalar: bool | None = None) -> Any:
        if to_scalar is None:
            to_scalar = all(self.scalar_input)
        return arr[()] if to_scalar and arr.ndim == 0 else np.asarray(arr)

    def result_type(self, extra_dtype: Any = None, ensure_inexact: bool = False) -> Any:
        extra = () if extra_dtype is None else (extra_dtype,)
        weak = (0.0,) if ensure_inexact else ()
        return np.result_type(*self._given, *extra, *weak)


def _ndenumerate(arr: Any) -> Iterator[Any]:
    arr = np.asarray(arr)
    for index in np.ndindex(*arr.shape):
        yield index, arr[index]


class _Broadcast:
    def __init__(self, *args: Any) -> None:
        self._arrays = np.broadcast_arrays(*args)
        self.shape = np.broadcast_shapes(*[np.shape(arg) for arg in args])
        self.nd = self.ndim = len(self.shape)
        self.size = 1
        for size in self.shape:
            self.size = self.size * size
        self.numiter = len(args)

    def __iter__(self) -> Iterator[Any]:
        for index in np.ndindex(*self.shape):
            yield tuple([array[index] for array in self._arrays])


def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    if a.ndim < 2:
        raise ValueError("array must be at least 2-d")
    if wrap:
        _equivalents.uncovered("wrap=True")
    if a.ndim > 2 and a.shape != (a.shape[0],) * a.ndim:
        raise ValueError("All dimensions of input must be of equal length")
    at = np.arange(min(a.shape))
    values = np.asarray(val).reshape(-1)
    a[tuple([at] * a.ndim)] = values[at % values.shape[0]]


# What operators do to their first operand, as statements do it.


def _iadd(a: Any, b: Any, /) -> Any:
    a += b
    return a


def _isub(a: Any, b: Any, /) -> Any:
    a -= b
    return a


def _imul(a: Any, b: Any, /) -> Any:
    a *= b
    return a


def _itruediv(a: Any, b: Any, /) -> Any:
    a /= b
    return a


def _ifloordiv(a: Any, b: Any, /) -> Any:
    a //= b
    return a


def _imod(a: Any, b: Any, /) -> Any:
    a %= b
    return a


def _ipow(a: Any, b: Any, /) -> Any:
    a **= b
    return a


def _imatmul(a: Any, b: Any, /) -> Any:
    a @= b
    return a


def _iand(a: Any, b: Any, /) -> Any:
    a &= b
    return a


def _ior(a: Any, b: Any, /) -> Any:
    a |= b
    return a


def _ixor(a: Any, b: Any, /) -> Any:
    a ^= b
    return a


def _ilshift(a: Any, b: Any, /) -> Any:
    a <<= b
    return a


def _irshift(a: Any, b: Any, /) -> Any:
    a >>= b
    return a


def _setitem(a: Any, b: Any, c: Any, /) -> None:
    a[b] = c


def _delitem(a: Any, b: Any, /) -> None:
    del a[b]


def _transforms() -> dict[Any, Any]:
    """The implementation behind each function that a backend could replace."""
    module = sys.modules["scipy.fft"]
    backends = [module._basic_backend, module._realtransforms_backend, module._fftlog_backend]
    found: dict[Any, Any] = {}
    for name in module.__all__:
        function = getattr(module, name)
        own = [backend for backend in backends if name in vars(backend)]
        if type(function).__name__ == "_Function" and own:
            found[function] = getattr(own[0], name)
    return found | _scipy_equivalents.fourier()


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    functools.reduce: _reduce,
    itertools.chain: _chain,
    itertools.accumulate: _accumulate,
    itertools.product: _product,
    itertools.combinations: _combinations,
    itertools.combinations_with_replacement: _combinations_with_replacement,
    itertools.permutations: _permutations,
    itertools.pairwise: _pairwise,
    itertools.count: _count,
    itertools.cycle: _cycle,
    itertools.repeat: _repeat,
    itertools.islice: _islice,
    itertools.starmap: _starmap,
    itertools.takewhile: _takewhile,
    itertools.dropwhile: _dropwhile,
    itertools.filterfalse: _filterfalse,
    itertools.compress: _compress,
    itertools.zip_longest: _zip_longest,
    operator.itemgetter: _itemgetter,
    operator.attrgetter: _attrgetter,
    operator.methodcaller: _methodcaller,
    operator.iadd: _iadd,
    operator.iconcat: _iadd,
    operator.isub: _isub,
    operator.imul: _imul,
    operator.itruediv: _itruediv,
    operator.ifloordiv: _ifloordiv,
    operator.imod: _imod,
    operator.ipow: _ipow,
    operator.imatmul: _imatmul,
    operator.iand: _iand,
    operator.ior: _ior,
    operator.ixor: _ixor,
    operator.ilshift: _ilshift,
    operator.irshift: _irshift,
    operator.setitem: _setitem,
    operator.delitem: _delitem,
}
if hasattr(itertools, "batched"):
    _FUNCTIONS[itertools.batched] = _batched

_FUNCTIONS |= {
    _array_converter: _ArrayConverter,
    collections.deque: _Deque,
    collections.defaultdict: _DefaultDict,
    collections.OrderedDict: _OrderedDict,
    collections._count_elements: _count_elements,  # type: ignore[attr-defined]
    functools._lru_cache_wrapper: _uncached,
    copy.copy: _copy,
    copy.deepcopy: _deepcopy,
    inspect.signature: _signature,
    inspect.getattr_static: _getattr_static,
    np.broadcast: _Broadcast,
    np.dtype: _dtype,
    np.fill_diagonal: _fill_diagonal,
    np.ndenumerate: _ndenumerate,
}

_FUNCTIONS |= _equivalents.FUNCTIONS
_equivalents.METHODS["chain.from_iterable"] = _from_iterable

# By address: hashing an object could run code of its class.
TABLE: dict[int, Any] = {id(compiled): function for compiled, function in _FUNCTIONS.items()}

# Of modules that may be imported later.
_LATER: list[tuple[str, Callable[[], dict[Any, Any]]]] = [
    ("scipy.fft", _transforms),
    *_scipy_equivalents.TABLES.items(),
    *_scipy_interpolate.TABLES.items(),
    *_scipy_searches.TABLES.items(),
    *_scipy_spatial.TABLES.items(),
    *_scipy_stats.TABLES.items(),
    *_sklearn_equivalents.TABLES.items(),
]
_kept: list[Any] = []


def refresh() -> None:
    """Adds what stands for functions of modules that are loaded by now."""
    for entry in [entry for entry in _LATER if entry[0] in sys.modules]:
        _LATER.remove(entry)
        found = entry[1]()
        _kept.append(found)
        TABLE.update({id(compiled): function for compiled, function in found.items()})
