"""Fails if a snapshot belongs to no test.

In: the list of files that insta compared with (INSTA_SNAPSHOT_REFERENCES_FILE). Those of pytest are
named after corpus functions and messages, and checked by name.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "python"))
from conftest import ROOT, SNAPSHOTS, STAGES, names
from test_messages import MESSAGES

used = (
    {Path(line).resolve() for line in Path(sys.argv[1]).read_text().splitlines()}
    if Path(sys.argv[1]).exists()
    else set()
)
known = {*names(), *MESSAGES}
left = [
    path.relative_to(ROOT)
    for path in SNAPSHOTS.rglob("*")
    if path.is_file()
    and path.name != ".gitkeep"
    and not (
        path.stem in known if path.suffix == ".txt" and path.parent.name in STAGES else path.resolve() in used
    )
]
if left:
    sys.exit("snapshots that no test compares with:\n" + "\n".join(map(str, left)))
print("every snapshot is compared with")
