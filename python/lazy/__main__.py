"""``python -m lazy file.py::function``: every stage of one function, on the file's ``arguments()``."""

from __future__ import annotations

import runpy
import sys

import lazy


def main() -> int:
    """Prints the stages. Exit status 2 if the arguments are not understood."""
    if len(sys.argv) != 2 or "::" not in sys.argv[1]:
        print("usage: python -m lazy file.py::function", file=sys.stderr)
        return 2
    path, _, name = sys.argv[1].partition("::")
    scope = runpy.run_path(path)
    if name not in scope or "arguments" not in scope:
        print(f"{path} must define {name} and arguments()", file=sys.stderr)
        return 2
    function, args = scope[name], scope["arguments"]()
    if "GIVEN" in scope:
        function, args = lazy.likelihood(function, given=scope["GIVEN"]), (scope["VALUES"], *args)
    jitted, gradient = lazy.jit(function), lazy.grad(function, argnums=scope.get("ARGNUMS", 0))
    stages = {
        "explain": jitted.explain(*args),
        "ast": lazy._lazy._blocks(scope[name]),
        **jitted.stages_for(*args),
        "emit": jitted.source_for(*args),
        "gradient": gradient.graph_for(*args),
        "gradient's source": gradient.source_for(*args),
    }
    for stage, text in stages.items():
        print(f"-- {stage} {'-' * (70 - len(stage))}\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
