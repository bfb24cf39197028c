"""Writes docs/operations.md: the elementwise operations, from the extension module's own table."""

from lazy import _lazy


def main() -> None:
    print("# Operations\n\nThe elementwise operations of a graph, and what lifts to them.\n")
    print("| operation | operands | lifted from |\n|---|---|---|")
    for name, spellings, domain in _lazy.operations():
        print(f"| `{name}` | {len(domain)} | {', '.join(f'`{s}`' for s in spellings)} |")


if __name__ == "__main__":
    main()
