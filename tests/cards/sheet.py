# SPDX-License-Identifier: Apache-2.0
"""Sheets of cards as paper has them: printed to pictures, and each code on them photographed."""
import os
import subprocess
import sys
import tempfile

BUILD = os.environ["SOTTO_BUILD"]
DECODE = os.path.join(BUILD, "tests/cards/test_decode")
DPI = 150
COLUMNS, ROWS = 2, 4
MARGIN_MM, WIDTH_MM, HEIGHT_MM = 10, 95, 69.25


def pixels(millimetres):
    return round(millimetres / 25.4 * DPI)


def tool(*arguments):
    return subprocess.run(arguments, check=True, capture_output=True).stdout


def pages(path):
    """How many, each being A4."""
    said = dict(line.split(":", 1) for line in tool("pdfinfo", path).decode().splitlines() if ":" in line)
    if "A4" not in said["Page size"]:
        raise AssertionError(f"size of a page: {said['Page size']}")
    return int(said["Pages"])


def place(number):
    """Page, x, y, width and height in pixels of a card, by its number from 0."""
    page, on_it = divmod(number, COLUMNS * ROWS)
    row, column = divmod(on_it, COLUMNS)
    return page + 1, pixels(MARGIN_MM + column * WIDTH_MM), pixels(MARGIN_MM + row * HEIGHT_MM), pixels(WIDTH_MM), pixels(HEIGHT_MM)


def cut(path, number):
    """What a pair of scissors and a camera make of one card: (its text, its code, None if it has none)."""
    page, x, y, width, height = (str(value) for value in place(number))
    where = ["-r", str(DPI), "-f", page, "-l", page, "-x", x, "-y", y, "-W", width, "-H", height]
    text = tool("pdftotext", *where, path, "-").decode()
    with tempfile.TemporaryDirectory(prefix="sotto-test-") as folder:
        picture = os.path.join(folder, "card")
        tool("pdftoppm", *where, "-gray", "-png", "-singlefile", path, picture)
        decoded = subprocess.run([DECODE, picture + ".png"], capture_output=True, check=False)
    return text, decoded.stdout.decode().strip() if decoded.returncode == 0 else None


def letters(text):
    """Without what a line's end makes of a name (a hyphen goes, too), and without marks of direction that a PDF's reader adds."""
    return "".join(sign for sign in text if not sign.isspace() and sign not in "-\u200e\u200f\u202a\u202b\u202c")


if __name__ == "__main__":
    sys.exit("a module of the tests")
