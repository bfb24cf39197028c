"""A function of any local variable of another, by name."""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from collections.abc import Callable, Sequence
from typing import Any

from lazy._errors import LiftError
from lazy._function import Function

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def extract(
    function: Callable[..., Any], outputs: str | Sequence[str], inputs: str | Sequence[str] = ()
) -> Function[..., Any]:
    """A function from some of the variables of ``function`` to others.

    Args:
        function: a Python function whose source is at hand.
        outputs: the variable to return in place of what the function returns, or several for a tuple. They
            are read where the function would return.
        inputs: variables that are given instead of computed. They become the first parameters, in this
            order; the function's own parameters follow, without those among them.

    Raises:
        lazy.LiftError: the source is not at hand, or not what the function was made of.
        ValueError: a name that is no variable of the function.

    >>> import numpy as np, lazy
    >>> def model(w, X, y):
    ...     residual = X @ w - y
    ...     loss = np.sum(residual**2)
    ...     return loss + 0.1 * np.sum(w**2)
    >>> residual = lazy.extract(model, outputs="residual")
    >>> residual(np.array([1.0, 2.0]), np.eye(2), np.zeros(2))
    array([1., 2.])
    >>> loss = lazy.extract(model, outputs="loss", inputs="residual")
    >>> lazy.grad(loss)(np.array([1.0, 2.0]), np.zeros(2), np.eye(2), np.zeros(2))
    array([2., 4.])
    """
    plain = function
    while isinstance(plain, Function):
        plain = plain.function
    receiver = getattr(plain, "__self__", None)
    plain = getattr(plain, "__func__", plain)
    if not isinstance(plain, types.FunctionType):
        raise TypeError(f"extract() needs a Python function, not {type(plain).__name__}")
    single = isinstance(outputs, str)
    wanted = [outputs] if isinstance(outputs, str) else list(outputs)
    given = [inputs] if isinstance(inputs, str) else list(inputs)
    variables = {*plain.__code__.co_varnames, *plain.__code__.co_cellvars}
    for name in (*wanted, *given):
        if name not in variables:
            raise ValueError(f"{plain.__name__} has no variable {name!r}")
    definition = _definition(plain)
    if receiver is not None and definition.args.args[0].arg in given:
        raise ValueError("the object that a method is bound to is not an input")
    own = [argument.arg for argument in (*definition.args.posonlyargs, *definition.args.args)]
    renamed = {name: f"_given_{name}" for name in given if name not in own}
    body = _Rewriter(renamed, wanted, single).body(definition.body)
    definition.body = [*body, _returned(wanted, single, definition)]
    definition.name = "_and_".join(wanted)
    made = _compiled(plain, definition, _parameters(definition.args, own, given, renamed, receiver))
    return Function(made if receiver is None else types.MethodType(made, receiver), ("jit",))


def _definition(function: types.FunctionType) -> ast.FunctionDef:
    """The syntax of a function, if compiling it gives its code."""
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError) as error:
        raise LiftError(f"the source of {function.__name__} is not at hand: {error}") from None
    if not tree.body or not isinstance(tree.body[0], ast.FunctionDef):
        raise LiftError(f"{function.__name__} is not written as a def of its own")
    definition = tree.body[0]
    definition.decorator_list = []
    ast.increment_lineno(definition, first - 1)
    if _facts(_code(function, definition)) != _facts(function.__code__):
        raise LiftError(f"the source of {function.__name__} is not what it was made of")
    return definition


def _facts(code: types.CodeType) -> tuple[Any, ...]:
    """What does not depend on how a function is nested and its jumps are laid out."""
    constants = [repr(c) for c in code.co_consts if not isinstance(c, types.CodeType)]
    return constants, code.co_names, code.co_varnames, code.co_cellvars, code.co_freevars


def _code(function: types.FunctionType, definition: ast.FunctionDef) -> types.CodeType:
    """The code of a definition with the free variables of a function."""
    cells = [
        ast.Assign(targets=[ast.Name(name, ast.Store())], value=ast.Constant(None))
        for name in function.__code__.co_freevars
    ]
    outer = ast.parse("def outer(): pass").body[0]
    assert isinstance(outer, ast.FunctionDef)
    outer.body = [*cells, definition]
    module = ast.fix_missing_locations(ast.Module([outer], []))
    code = compile(module, function.__code__.co_filename, "exec", dont_inherit=True)
    for name in ("outer", definition.name):
        inner = [c for c in code.co_consts if isinstance(c, types.CodeType) and c.co_name == name]
        code = inner[0]
    return code


def _compiled(
    function: types.FunctionType, definition: ast.FunctionDef, arguments: ast.arguments
) -> types.FunctionType:
    definition.args = arguments
    code = _code(function, definition)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    closure = tuple([cells[name] for name in code.co_freevars])
    made = types.FunctionType(code, function.__globals__, definition.name, None, closure)
    defaults = inspect.signature(function).parameters
    known = {name: p.default for name, p in defaults.items() if p.default is not p.empty}
    made.__kwdefaults__ = {a.arg: known[a.arg] for a in arguments.kwonlyargs if a.arg in known}
    made.__module__ = function.__module__
    positional = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    tail: list[Any] = []
    for name in reversed(positional):
        if name not in known:
            break
        tail.insert(0, known[name])
    made.__defaults__ = tuple(tail) or None
    return made


def _parameters(
    arguments: ast.arguments, own: list[str], given: list[str], renamed: dict[str, str], receiver: Any
) -> ast.arguments:
    bound = own[:1] if receiver is not None else []
    first = [renamed.get(name, name) for name in given]
    rest = [name for name in own if name not in given and name not in bound]
    return ast.arguments(
        posonlyargs=[],
        args=[ast.arg(name) for name in (*bound, *first, *rest)],
        vararg=arguments.vararg,
        kwonlyargs=arguments.kwonlyargs,
        kw_defaults=arguments.kw_defaults,
        kwarg=arguments.kwarg,
        defaults=[],
    )


def _returned(wanted: list[str], single: bool, place: ast.AST) -> ast.Return:
    names: list[ast.expr] = [ast.Name(name, ast.Load()) for name in wanted]
    value = names[0] if single else ast.Tuple(names, ast.Load())
    return ast.copy_location(ast.Return(value), place)


class _Rewriter:
    """Gives variables their values, and returns others, in all statements but those of inner scopes."""

    def __init__(self, renamed: dict[str, str], wanted: list[str], single: bool) -> None:
        self.renamed, self.wanted, self.single = renamed, wanted, single

    def body(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for statement in statements:
            if isinstance(statement, ast.Return):
                if statement.value is not None:
                    out.append(ast.copy_location(ast.Expr(statement.value), statement))
                out.append(_returned(self.wanted, self.single, statement))
                continue
            out.append(statement)
            if isinstance(statement, _SCOPES):
                continue
            inner_body = False
            for field in ("body", "orelse", "finalbody"):
                inner = getattr(statement, field, None)
                if isinstance(inner, list) and inner and isinstance(inner[0], ast.stmt):
                    setattr(statement, field, self.body(inner))
                    inner_body = True
            for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
                part.body = self.body(part.body)
            if inner_body and isinstance(statement, (ast.For, ast.With)):
                statement.body = [*self.stores(statement), *statement.body]
            else:
                out.extend(self.stores(statement))
        return out

    def stores(self, statement: ast.stmt) -> list[ast.stmt]:
        """Assignments of what is given to what the statement itself binds."""
        bound: set[str] = set()
        pending: list[ast.AST] = [statement]
        while pending:
            node = pending.pop()
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound.add(node.id)
            for child in ast.iter_child_nodes(node):
                if not isinstance(child, (ast.stmt, ast.ExceptHandler, *_SCOPES)):
                    pending.append(child)
        return [
            ast.copy_location(
                ast.Assign(targets=[ast.Name(name, ast.Store())], value=ast.Name(given, ast.Load())),
                statement,
            )
            for name, given in self.renamed.items()
            if name in bound
        ]
