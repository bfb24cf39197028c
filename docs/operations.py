"""Writes docs/operations.md: what is lifted, from the tables of the package itself, and what is not."""

from __future__ import annotations

import numpy as np

from lazy import _equivalents, _lazy

# NumPy's public names that no row of a table has and that no test enters, each under the reason.
LEFT_OUT: dict[str, str] = {
    "dates, text, records and objects: there are no floats in them": """
        busday_count busday_offset busdaycalendar bytes_ char character datetime64
        datetime_as_string datetime_data flexible frompyfunc is_busday isnat object_ rec recarray
        record str_ strings timedelta64 void
    """,
    "reading, writing and foreign memory": """
        from_dlpack frombuffer fromfile fromregex fromstring genfromtxt load loadtxt memmap
        save savetxt savez savez_compressed ndarray.data ndarray.device ndarray.dump ndarray.dumps
        ndarray.to_device ndarray.tobytes ndarray.tofile ndarray.ctypes
    """,
    "printing and settings": """
        array2string array_repr array_str base_repr binary_repr format_float_positional
        format_float_scientific get_include get_printoptions getbufsize geterr geterrcall info
        printoptions set_printoptions setbufsize seterr seterrcall show_config show_runtime test
        typename __array_namespace_info__ __version__
    """,
    "bits and memory, not numbers": """
        flatiter isfortran may_share_memory nditer nested_iters packbits shares_memory unpackbits
        ndarray.base ndarray.byteswap ndarray.flags ndarray.getfield ndarray.setfield
        ndarray.setflags ndarray.strides
    """,
    "an array is changed as a whole": "ndarray.resize",
    "classes that are discouraged: matrices": "asmatrix bmat matrix",
    "dtypes without loops here; such arguments run as plain Python": """
        clongdouble complex256 float128 float16 half longdouble longlong ulonglong
    """,
    "kinds of dtypes, to be compared with": """
        complexfloating dtype floating generic inexact integer number signedinteger unsignedinteger
        ScalarType sctypeDict typecodes mintypecode little_endian
    """,
    "plans, not values": "einsum_path",
    "modules of their own, beyond the main namespace": """
        core ctypeslib dtypes exceptions f2py lib ma polynomial testing typing
    """,
    "modules whose names are rows of their own": "fft linalg random",
    "constants": "False_ True_ e euler_gamma inf nan pi",
}


def public() -> set[str]:
    """The names of NumPy's main namespace, `numpy.linalg`, `numpy.fft` and of arrays."""
    modules = {"": np, "linalg.": np.linalg, "fft.": np.fft}
    names = {f"{prefix}{name}" for prefix, module in modules.items() for name in module.__all__}
    return names | {f"ndarray.{name}" for name in dir(np.ndarray) if not name.startswith("_")}


def covered() -> set[str]:
    """Those that are rows of the tables, or other names of rows."""
    rows = {name.removeprefix("numpy.") for name in _lazy.names() if name.startswith("numpy.")}
    rows |= {method for method in _equivalents.METHODS if method.startswith("ndarray.")}
    functions = {id(find(name)) for name in rows if not name.startswith("ndarray.")}
    functions |= {id(function) for function in _equivalents.FUNCTIONS}
    return {name for name in public() if name in rows or id(find(name)) in functions}


def find(name: str) -> object:
    found: object = np
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def spelled(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def name_of(function: object) -> str:
    """The public name of a function of NumPy's."""
    module, name = getattr(function, "__module__", "numpy"), getattr(function, "__name__", "")
    return f"numpy.{name}" if hasattr(np, name) else f"{module}.{name}"


def main() -> None:
    print("# Operations\n\nThe elementwise operations of a graph, and what lifts to them.\n")
    print("| operation | operands | lifted from |\n|---|---|---|")
    elementwise: set[str] = set()
    for name, spellings, domain in _lazy.operations():
        elementwise.update(spellings)
        print(f"| `{name}` | {len(domain)} | {spelled(spellings)} |")
    print("\n## Made of other operations\n\nFunctions, methods and operators with a meaning of their own.\n")
    rest = sorted(set(_lazy.names()) - elementwise)
    for module in sorted({name.rpartition(".")[0] for name in rest}):
        print(f"- {module}: {spelled([n for n in rest if n.rpartition('.')[0] == module])}")
    print("\n## Lifted as NumPy code\n\nCompiled functions, or such as are better lifted so.\n")
    print(spelled(sorted(name_of(f) for f in _equivalents.FUNCTIONS)), end="\n\n")
    print("Methods:", spelled(sorted(_equivalents.METHODS)))
    left_out = {name for names in LEFT_OUT.values() for name in names.split()}
    print("\n## Entered\n\nNames whose Python code in NumPy is lifted as it is, and statements.\n")
    print(spelled(sorted(public() - covered() - left_out)))
    print("\n## Left out\n\nWhat else NumPy has: its functions run as plain Python under `jit`.")
    print("`grad` refuses them where a derivative would have to go through.\n")
    print("| why | names |\n|---|---|")
    for why, names in LEFT_OUT.items():
        print(f"| {why} | {spelled(names.split())} |")
    print("\nSpecial cases are listed under [derivatives](derivatives.md).")


if __name__ == "__main__":
    main()
