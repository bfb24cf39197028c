"""What plain Python does, beside what `jit` does and what derivatives say: equal, or visibly refused."""

import contextlib
import io
import re
import warnings

import numpy as np

import lazy

# A number that is printed with a fraction.
FLOAT = re.compile(r"(-?\d+\.\d+(?:e[+-]?\d+)?)")


def compiled(text):
    module = {"__name__": "random_program"}
    exec(compile(text, "<random program>", "exec"), module)
    return module


def picture(value, depth=0):
    """A value in full; numbers stay numbers, for `alike`."""
    if isinstance(value, np.ndarray):
        return ("array", value.dtype.str, value.shape, value.ravel().tolist())
    if isinstance(value, (float, complex, np.inexact)):
        # Whether a number is Python's or NumPy's of the same kind may depend on what `max` chose.
        name = {"float64": "float", "complex128": "complex"}.get(type(value).__name__, type(value).__name__)
        return (name, complex(value) if np.iscomplexobj(value) else float(value))
    if isinstance(value, (bool, int, np.bool, np.int64)):
        return ("bool" if isinstance(value, (bool, np.bool)) else "int", int(value))
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [picture(v, depth + 1) for v in value])
    if isinstance(value, (set, frozenset)):
        # Their order is nobody's to rely on.
        return (type(value).__name__, sorted(map(repr, value)))
    if isinstance(value, dict):
        return (type(value).__name__, [(k, picture(v, depth + 1)) for k, v in value.items()])
    if isinstance(value, str):
        # Sums may be rounded otherwise than NumPy's, which the last digits show.
        return ("str", [float(part) if i % 2 else part for i, part in enumerate(FLOAT.split(value))])
    if hasattr(value, "__dict__") and depth < 8:
        return (type(value).__name__, picture(vars(value), depth + 1))
    return (type(value).__name__, repr(value))


def alike(a, b, rounding):
    """Whether two pictures are equal, up to the rounding of floats; NaN is equal to itself."""
    if isinstance(a, (list, tuple)) and type(a) is type(b):
        return len(a) == len(b) and all(alike(x, y, rounding) for x, y in zip(a, b, strict=True))
    if isinstance(a, complex) and isinstance(b, complex):
        return alike(a.real, b.real, rounding * 10) and alike(a.imag, b.imag, rounding * 10)
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b) or abs(a - b) <= rounding * max(1, abs(a), abs(b))
    return type(a) is type(b) and a == b


def arrays(value, out=None):
    """The arrays in a value, in order."""
    out = [] if out is None else out
    if isinstance(value, np.ndarray):
        out.append(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            arrays(item, out)
    elif isinstance(value, dict):
        arrays(list(value.values()), out)
    elif hasattr(value, "__dict__"):
        arrays(list(vars(value).values()), out)
    return out


def sharing(result, args):
    """Which arrays are one object, and which share memory, among results and arguments."""
    found = arrays(result) + arrays(args)
    pairs = [(i, j) for i in range(len(found)) for j in range(i) if found[i].size and found[j].size]
    return [(i, j, found[i] is found[j]) for i, j in pairs if np.shares_memory(found[i], found[j])]


def outcome(function, module, args):
    """Everything that a caller can see of a call."""
    out = io.StringIO()
    shared = []
    with contextlib.redirect_stdout(out), warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        try:
            value = function(*args)
            shared = sharing(value, args)
            result = ("value", picture(value))
        except Exception as error:
            result = ("raises", type(error).__name__)
    own = [w for w in given if not issubclass(w.category, np.exceptions.ComplexWarning)]
    seen = [(str(w.message), w.category.__name__) for w in own if "encountered in" not in str(w.message)]
    state = [module.get("counter"), module.get("history")]
    return result, picture(out.getvalue()), seen, picture(args), picture(state), shared


def jit(text, calls):
    """What differs between plain Python and `jit` over some calls, and whether the program was lifted."""
    plain, fast = compiled(text), compiled(text)
    jitted = lazy.jit(fast["f"])
    for number, make in enumerate(calls):
        wanted = outcome(plain["f"], plain, make(plain))
        found = outcome(jitted, fast, make(fast))
        # Sums of single precision may be more accurate than NumPy's.
        rounding = 1e-4 if "<f4" in str(wanted) or "float32" in str(wanted) else 1e-9
        if not alike(wanted, found, rounding):
            pairs = zip(wanted, found, strict=True)
            differ = [f"plain {w}\njit   {f}" for w, f in pairs if not alike(w, f, rounding)]
            return f"call {number}\n{text}\n" + "\n".join(differ), jitted.lifts > 0
    return None, jitted.lifts > 0


def slopes(function, args, by, step):
    """The differences by each element of an argument: to the right of it, and to the left."""
    out = []
    for at in np.ndindex(np.shape(args()[by])):
        values = []
        for sign in (1, 0, -1):
            moved = args()
            if at:
                moved[by][at] += sign * step
            else:
                moved[by] += sign * step
            values.append(function(*moved))
        out.append(-np.diff(values) / step)
    return np.reshape(out, (-1, 2)).T


def derivative(text, make, by):
    """What differs between central differences and `grad` and `jvp`, and whether there were derivatives.

    Where difference quotients of two steps or of two sides disagree, nothing is known.
    """
    module = compiled(text)
    f = module["f"]

    def args():
        return make(module)

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = f(*args())
        except Exception as error:
            try:
                lazy.grad(f, argnums=by)(*args())
            except lazy.LazyError:
                return None, False
            except Exception as found:
                same = type(found) is type(error)
                return None if same else f"{text}\nplain {error!r}\ngrad {found!r}", False
            return f"{text}\nplain {error!r}\ngrad gives a value", False
        try:
            found = np.ravel(lazy.grad(f, argnums=by)(*args()))
            direction = np.cos(np.arange(found.size) + 0.5).reshape(np.shape(args()[by]))
            rest = args()
            at = rest[by]
            moving = lambda moved: f(*rest[:by], moved, *rest[by + 1 :])  # noqa: E731
            primal, pushed = lazy.jvp(moving, (at,), (direction,))
        except lazy.LazyError:
            return None, False
        try:
            coarse, (right, left) = (slopes(f, args, by, step) for step in (1e-5, 3e-6))
        except Exception:
            return None, True
        if not np.isfinite(value):
            return None, True
        fine = (right + left) / 2
        scale = max(1.0, abs(value), *np.abs(fine)) if np.all(np.isfinite(fine)) else np.inf
        smooth = np.abs(coarse.mean(axis=0) - fine) <= 1e-5 * scale
        smooth &= np.abs(right - left) <= 1e-2 * scale
        close = np.abs(found - fine) <= 1e-4 * scale
        if not np.all(close | ~smooth):
            return f"grad by {by}\n{text}\ndifferences {fine}\ngrad        {found}", True
        if not np.isclose(primal, value, rtol=1e-8):
            return f"jvp by {by}\n{text}\nplain {value}\njvp   {primal}", True
        if np.all(smooth) and not abs(pushed - found @ np.ravel(direction)) <= 1e-6 * scale:
            return f"jvp by {by}\n{text}\ngrad {found @ np.ravel(direction)}\njvp  {pushed}", True
    return None, True
