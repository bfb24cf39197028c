"""What lazy raises when it refuses. Mistakes that NumPy itself would report raise NumPy's exceptions."""


class LazyError(Exception):
    """Base of everything lazy refuses."""


class LiftError(LazyError):
    """Code that cannot be lifted to a graph. Under ``jit`` it runs as plain Python instead."""


class GraphBreak(LiftError):
    """A place where Python needs an array's values (a branch, ``int(x)``) or changes something outside."""


class NotDifferentiable(LazyError, TypeError):
    """No derivative: an integer argument, a result that is not a scalar, an operation without one."""


class NoDensity(LazyError, ValueError):
    """A random draw whose density ``likelihood`` does not know, or that is used in a way it cannot invert."""


class GraphSyntaxError(LazyError, ValueError):
    """A text graph that does not parse."""
