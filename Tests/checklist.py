#!/usr/bin/env python3
"""Writes docs/checklist.md: for each number of the protocol page's checklist, the tests that show it.

A test shows the numbers at the front of its name: `R11 E13 A change is told …`, or `test_R11_E13_a_change_is_told_…`.
With --check nothing is written; it fails when the page is not up to date, when a number has no test, or when a test names
one that there is not.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOCOL = ROOT / "docs/protocol.md"
PAGE = ROOT / "docs/checklist.md"

NUMBER = re.compile(r"[REB]\d\d")
LABEL = re.compile(r"[REBD]\d\d")  # differences (D) may stand among them, and are no rows
SWIFT_TEST = re.compile(r"^\s*(?:@Test(?:\([^`]*\))? )?func `([^`]+)`\(", re.MULTILINE)
PYTHON_TEST = re.compile(r"^\s*(?:async )?def test_(\w+)\(", re.MULTILINE)
ROW = re.compile(r"^\| ([REB]\d\d) \| (.+?) \|", re.MULTILINE)

HEAD = """\
# Checklist

What has to be shown for each number of the [protocol page](protocol.md#12-checklist), and the tests that show it. `Tests/checklist.py`
writes this page from the names of the tests, where the numbers stand at the front; `deploy/test lint` checks that it is up to date and
that no row is empty. A test may stand under several numbers.
"""


def rows():
    """{number: what has to be shown}, in the protocol page's order."""
    checklist = PROTOCOL.read_text().split("## 12. Checklist", 1)[1]
    return dict(ROW.findall(checklist))


def numbers_and_sentence(words):
    """The labels at the front of a name, and the rest."""
    numbers = []
    while words and LABEL.fullmatch(words[0]):
        if NUMBER.fullmatch(words[0]):
            numbers.append(words[0])
        words = words[1:]
    return numbers, " ".join(words)


def tests():
    """(file, numbers, sentence) of every test that shows something, by file."""
    for path in sorted((ROOT / "Tests").rglob("*")):
        if path.suffix == ".swift":
            names = [name.split() for name in SWIFT_TEST.findall(path.read_text())]
        elif path.suffix == ".py" and path.name.startswith("test_"):
            names = [name.split("_") for name in PYTHON_TEST.findall(path.read_text())]
        else:
            continue
        for name in names:
            numbers, sentence = numbers_and_sentence(name)
            if numbers:
                yield path.relative_to(ROOT), numbers, sentence


def page(rows, shown):
    parts = [HEAD]
    for number, text in rows.items():
        parts.append(f"\n## {number}\n\n{text}\n\n")
        if not shown[number]:
            parts.append("**No test.**\n")
        for path in sorted(shown[number]):
            parts.append(f"* [{path.name}](../{path}): {'; '.join(shown[number][path])}\n")
    return "".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail when something is missing")
    check = parser.parse_args().check

    checklist = rows()
    shown = {number: {} for number in checklist}
    problems = []
    for path, numbers, sentence in tests():
        for number in numbers:
            if number not in shown:
                problems.append(f"{path}: there is no row {number}: {sentence}")
            else:
                shown[number].setdefault(path, []).append(sentence)
    problems += [f"no test shows {number}: {checklist[number]}" for number in checklist if not shown[number]]

    text = page(checklist, shown)
    if not check:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        problems.append(f"{PAGE.relative_to(ROOT)} is not up to date: run Tests/checklist.py")
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
