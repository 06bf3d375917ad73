"""Includes point downward only: a room may include itself and rooms of a lower level, never one beside or above it."""
import pathlib, re, sys

LEVEL = {"core": 0, "dist": 1, "hf": 1, "media": 1, "data": 2, "vlm": 2, "world": 2, "gen": 3, "judge": 3, "checklist": 3, "train": 4, "eval": 4, "report": 5, "app": 6}
# Two rooms of one level, where the upper one is built on the lower one: the world writes its items as preference records.
SIDEWAYS = {("world", "data")}


def main(src):
    wrong, seen = [], 0
    for path in sorted(pathlib.Path(src).rglob("*.[hc]*")):
        room = path.relative_to(src).parts[0]
        if room not in LEVEL:
            wrong.append(f"{path}: the room {room} has no level in tests/layering.py")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'\s*#include "([a-z_]+)/', line)
            if not found:
                continue
            seen += 1
            other = found.group(1)
            allowed = other == room or LEVEL.get(other, 99) < LEVEL[room] or (room, other) in SIDEWAYS
            if not allowed:
                wrong.append(f"{path}:{number}: {room} (level {LEVEL[room]}) includes {other} (level {LEVEL.get(other, '?')})")
    print("\n".join(wrong) if wrong else f"{seen} includes, all downward")
    if seen < 50:
        wrong.append(f"only {seen} includes found: wrong folder?")
    return bool(wrong)


sys.exit(main(sys.argv[1]))
