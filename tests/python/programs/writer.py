"""What the writers of random programs have in common: names by kind, statements, blocks."""

import random
from typing import ClassVar


class Writer:
    """Writes one program; knows which names hold what at each point.

    A subject gives `HEADER` and `NAMES`, and the statements to choose from; `smooth` leaves out what has no
    derivative or is no float.
    """

    HEADER = ""
    NAMES: ClassVar[dict[str, list[str]]] = {}
    DEEPEST = 5

    def __init__(self, seed, smooth=False):
        self.random = random.Random(seed)
        self.smooth = smooth
        self.lines = []
        self.depth = 1
        self.count = 0
        self.names = {kind: list(names) for kind, names in self.NAMES.items()}

    def pick(self, kind):
        return self.random.choice(self.names[kind])

    def one(self, *choices):
        """One of the expressions; a list among them counts only where programs need not be smooth."""
        flat = []
        for choice in choices:
            if isinstance(choice, list):
                flat.extend([] if self.smooth else choice)
            else:
                flat.append(choice)
        return self.random.choice(flat)

    def maybe(self, chance):
        return self.random.random() < chance

    def emit(self, line):
        self.lines.extend("    " * self.depth + part for part in line.split("\n"))

    def new(self, kind):
        """A name that is not used yet."""
        self.count += 1
        return f"{kind[0]}{self.count}"

    def made(self, kind, expression):
        name = self.new(kind)
        self.emit(f"{name} = {expression}")
        self.names[kind].append(name)
        return name

    def statements(self):
        raise NotImplementedError

    def statement(self):
        self.random.choice(self.statements())()

    def rest(self):
        """A statement that opens no block."""
        raise NotImplementedError

    def block(self, most=2, names=()):
        """Statements one level in; what they name is gone afterwards. `names` are (kind, name) known within."""
        self.depth += 1
        kept = {kind: list(known) for kind, known in self.names.items()}
        for kind, name in names:
            self.names[kind].append(name)
        for _ in range(self.random.randint(1, most)):
            if self.depth < self.DEEPEST:
                self.statement()
            else:
                self.rest()
        self.names = kept
        self.depth -= 1

    def result(self):
        raise NotImplementedError

    def program(self, most=9):
        self.lines = self.HEADER.split("\n")
        for _ in range(self.random.randint(2, most)):
            self.statement()
        self.emit(f"return {self.result()}")
        return "\n".join(self.lines) + "\n"
