"""Writes docs/operations.md: what is lifted, from the tables of the package itself."""

import numpy as np

from lazy import _equivalents, _lazy


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
    print("\nWhat is left out is listed, with the reasons, under [derivatives](derivatives.md).")


if __name__ == "__main__":
    main()
