#!/usr/bin/env python3
"""Draws the pictures of the README: flow.svg, the way of a payload; run.svg, a run as a person sees it; and example.svg,
what the first question of examples/athena_prices.sql finds in the lake that the run has made.

    python3 img/make.py [path of a contrail binary with the feature sql]

The run and the answer are real, of the simulated cloud: the binary writes to a pseudo-terminal, a small terminal emulator
keeps the screen, and the screen is drawn. Needs the standard library only. Colours are chosen to be read on light and on
dark pages alike.
"""

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
SANS = "-apple-system, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif"


# --- run.svg, example.svg ---------------------------------------------------------------------------------------------------------

COLUMNS, ROWS = 92, 60
RUN = ["crawler", "--sandbox", "--once"]
EXAMPLE = ["--lake", "contrail-lake", "query", "--file", "cheapest.sql"]
CELL_WIDTH, LINE_HEIGHT, FONT_SIZE = 9.0, 20, 15
PALETTE = {
    30: "#6e7681", 31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#3b5371", 35: "#d2a8ff", 36: "#56d4dd", 37: "#e6edf3",
    90: "#8b949e", 91: "#ffa198", 92: "#7ee787", 93: "#f2cc60", 94: "#79c0ff", 95: "#d2a8ff", 96: "#76e3ea", 97: "#ffffff",
}
PLAIN, BACKGROUND, BORDER = "#e6edf3", "#0d1117", "#30363d"
# indicatif names its colours by number in the 256-colour palette; the first 16 are the ones above.
BASIC = [*range(30, 38), *range(90, 98)]


def record(binary, directory, command):
    """Everything that a command writes to its terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(directory)
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": directory, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        os.execve(binary, ["contrail", *command], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    written = bytearray()
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux says EIO when the other end is closed.
            break
        if not data:
            break
        written += data
    _, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"contrail {' '.join(command)} failed:\n{written.decode(errors='replace')}")
    return written.decode()


class Screen:
    """As much of a terminal as progress bars need: text, colours, moving up, erasing."""

    def __init__(self):
        self.lines = [[]]
        self.row = self.column = 0
        self.style = (PLAIN, False)

    def write(self, text):
        for part in re.finditer(r"\x1b\[([?0-9;]*)([A-Za-z])|\x1b.|([^\x1b])", text):
            arguments, command, character = part.groups()
            if character:
                self.put(character)
            elif command:
                self.control(arguments, command)

    def put(self, character):
        if character == "\n":
            self.row += 1
        elif character == "\r":
            self.column = 0
        elif character >= " ":
            if self.column == COLUMNS:
                self.row, self.column = self.row + 1, 0
            line = self.line()
            line.extend([(" ", (PLAIN, False))] * (self.column + 1 - len(line)))
            line[self.column] = (character, self.style)
            self.column += 1

    def line(self):
        while len(self.lines) <= self.row:
            self.lines.append([])
        return self.lines[self.row]

    def control(self, arguments, command):
        numbers = [int(number) for number in arguments.split(";") if number.isdigit()]
        first = numbers[0] if numbers else None
        if command == "A":
            self.row = max(0, self.row - (first or 1))
        elif command == "B":
            self.row += first or 1
        elif command == "C":
            self.column += first or 1
        elif command == "D":
            self.column = max(0, self.column - (first or 1))
        elif command == "G":
            self.column = (first or 1) - 1
        elif command == "K":
            line = self.line()
            if first == 2:
                line.clear()
            elif not first:
                del line[self.column:]
        elif command == "J" and not first:
            del self.line()[self.column:]
            del self.lines[self.row + 1:]
        elif command == "m":
            self.colour(numbers or [0])

    def colour(self, numbers):
        colour, bold = self.style
        while numbers:
            number = numbers.pop(0)
            if number == 0:
                colour, bold = PLAIN, False
            elif number == 1:
                bold = True
            elif number == 2:
                colour = PALETTE[90]
            elif number in (22, 39):
                colour, bold = (PLAIN, bold) if number == 39 else (colour, False)
            elif number in PALETTE:
                colour = PALETTE[number]
            elif number == 38 and numbers[:1] == [5]:
                index = numbers[1]
                colour = PALETTE[BASIC[index]] if index < len(BASIC) else PLAIN
                del numbers[:2]
        self.style = (colour, bold)


def draw_line(line, x, y):
    """One line of the screen: runs of one style as text that keeps to the columns, blocks as rectangles."""
    parts = []
    runs = []
    for column, (character, style) in enumerate(line):
        kind = "block" if character in "█▉▊▋▌▍▎▏░▒▓" else "text"
        if character == " ":
            kind = "space" if not runs or runs[-1][0] != "text" else "text"
        if runs and runs[-1][0] == kind and (runs[-1][3] == style or character == " "):
            runs[-1][2].append(character)
        else:
            runs.append((kind, column, [character], style))
    for kind, column, characters, (colour, bold) in runs:
        left = x + column * CELL_WIDTH
        text = "".join(characters).rstrip() if kind == "text" else "".join(characters)
        if kind == "block":
            # `░` is the part of a bar that is still to come.
            opacity = ' opacity="0.35"' if text[0] in "░▒▓" else ""
            width = len(text) * CELL_WIDTH
            parts.append(f'<rect x="{left:g}" y="{y - 10:g}" width="{width:g}" height="9" fill="{colour}"{opacity}/>')
        elif kind == "text" and text:
            weight = ' font-weight="bold"' if bold else ""
            parts.append(
                f'<text x="{left:g}" y="{y:g}" fill="{colour}"{weight} '
                f'textLength="{len(text) * CELL_WIDTH:g}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
            )
    return parts


def screen_pictures(binary):
    # A short path, because the summary shows it.
    directory = Path(tempfile.gettempdir()) / "prices"
    if directory.exists():
        sys.exit(f"{directory} is there already; move it away")
    directory.mkdir()
    try:
        screen_picture("run.svg", RUN, record(binary, str(directory), RUN))
        (directory / EXAMPLE[-1]).write_text(first_question())
        screen_picture("example.svg", EXAMPLE, record(binary, str(directory), EXAMPLE))
    finally:
        shutil.rmtree(directory)


def first_question():
    """The first statement of the examples, without the comments before it."""
    lines = (HERE.parent / "examples" / "athena_prices.sql").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).split(";")[0]


def screen_picture(name, command, written):
    screen = Screen()
    screen.style = (PALETTE[92], True)
    screen.write("$ ")
    screen.style = (PLAIN, True)
    screen.write(f"contrail {' '.join(command)}\r\n")
    screen.style = (PLAIN, False)
    screen.write(written)
    lines = screen.lines
    while lines and not "".join(character for character, _ in lines[-1]).strip():
        lines.pop()
    left, top = 24, 62
    width = COLUMNS * CELL_WIDTH + 2 * left
    height = top + (len(lines) - 1) * LINE_HEIGHT + 28
    said = "\n".join("".join(character for character, _ in line).rstrip() for line in lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'font-family="{MONO}" font-size="{FONT_SIZE}" xml:space="preserve" role="img">',
        f"<title>A run of contrail {' '.join(command)}</title>",
        f"<desc>{escape(said)}</desc>",
        f'<rect x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" rx="10" fill="{BACKGROUND}" stroke="{BORDER}"/>',
    ]
    for index, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        parts.append(f'<circle cx="{left + 6 + index * 20}" cy="24" r="6" fill="{colour}"/>')
    for number, line in enumerate(lines):
        parts += draw_line(line, left, top + number * LINE_HEIGHT)
    parts.append("</svg>\n")
    (HERE / name).write_text("\n".join(parts), encoding="utf-8")


# --- flow.svg --------------------------------------------------------------------------------------------------------

INK, SOFT, LINE = "#ffffff", "#dbe4ee", "#768390"
CLOUD, WORK, DISK, LAKE, READER = "#8a4b08", "#1f5fbf", "#6639ba", "#12694a", "#57606a"


class Drawing:
    def __init__(self, width, height, title):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -22 {width} {height}" width="{width}" height="{height}" '
            f'font-family="{SANS}" role="img">',
            f"<title>{escape(title)}</title>",
            f'<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            f'orient="auto-start-reverse"><path d="M0 0 10 5 0 10z" fill="{LINE}"/></marker></defs>',
        ]

    def box(self, x, y, width, height, colour, title, *lines, mono=False):
        """A filled box with a bold title and smaller lines."""
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="9" fill="{colour}"/>')
        middle = x + width / 2
        top = y + height / 2 - len(lines) * 9.5 + 5.5
        self.text(middle, top, title, 16, INK, bold=True)
        for number, line in enumerate(lines, 1):
            self.text(middle, top + number * 19, line, 13, SOFT, mono=mono)

    def frame(self, x, y, width, height, title):
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="14" fill="{LINE}" fill-opacity="0.08" '
            f'stroke="{LINE}" stroke-dasharray="5 5"/>'
        )
        self.text(x + 18, y + 27, title, 15, LINE, bold=True, anchor="start")

    def text(self, x, y, text, size, colour, bold=False, mono=False, anchor="middle"):
        family = f' font-family="{MONO}"' if mono else ""
        weight = ' font-weight="600"' if bold else ""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight}{family}>'
            f"{escape(text)}</text>"
        )

    def arrow(self, path, dashed=False):
        dash = ' stroke-dasharray="6 5"' if dashed else ""
        self.parts.append(
            f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="2"{dash} marker-end="url(#tip)"/>'
        )

    def save(self, path):
        path.write_text("\n".join([*self.parts, "</svg>\n"]), encoding="utf-8")


def flow_picture():
    d = Drawing(1000, 482, "How a payload travels from the upstreams through the spool into the lake")
    # Upstreams.
    d.box(10, 72, 190, 68, CLOUD, "EC2", "spot price history")
    d.box(10, 158, 190, 68, CLOUD, "AWS price lists", "every published version")
    d.box(10, 244, 190, 68, CLOUD, "Azure Retail Prices", "every meter, every day")
    # The crawler.
    d.frame(250, 20, 420, 312, "contrail crawler")
    d.box(272, 60, 376, 62, WORK, "plan", "what should exist, less what the lake has")
    d.box(272, 152, 178, 80, WORK, "fetch", "stream, check,", "sha256, gzip")
    d.box(470, 152, 178, 80, DISK, "spool", "on disk: survives a", "crash, a dead store")
    d.box(272, 262, 376, 52, WORK, "upload", "once, whole, put-if-absent")
    d.arrow("M361 122V150")
    d.arrow("M450 192H468")
    d.arrow("M559 232V260")
    # The lake.
    d.frame(720, 20, 270, 312, "your lake: S3 or a directory")
    d.box(740, 60, 230, 116, LAKE, "raw/", "<dataset>/dt=…/region=…", "immutable, gzipped,", "as the upstream said it")
    d.box(740, 192, 230, 58, LAKE, "_contrail/marks/", "unchanged · lost for good")
    d.box(740, 262, 230, 52, LAKE, "_contrail/runs/", "what was tried")
    # The ways between.
    d.arrow("M200 106H232V192H270")
    d.arrow("M200 192H270")
    d.arrow("M200 278H232V192H270")
    d.arrow("M648 288H700V118H738")
    d.arrow("M700 221H738")
    d.arrow("M700 288H738")
    d.arrow("M952 60V2H460V58", dashed=True)
    d.text(706, -6, "the keys say what is there", 13, LINE)
    # Readers.
    d.box(250, 392, 740, 58, READER, "DuckDB · Athena · Spark · pandas · gunzip", "any tool that reads gzip and Hive partitions")
    d.arrow("M855 332V390")
    d.text(845, 367, "read by", 13, LINE, anchor="end")
    d.text(120, 405, "Keys are the ledger:", 14, LINE, bold=True)
    d.text(120, 426, "a gap is a key that is not there,", 13, LINE)
    d.text(120, 445, "and inside it the price is unknown.", 13, LINE)
    d.save(HERE / "flow.svg")


def main():
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    binary = Path(sys.argv[1] if len(sys.argv) > 1 else target / "debug" / "contrail").resolve()
    flow_picture()
    if not binary.exists():
        subprocess.run(["cargo", "build", "--locked", "--features", "sql"], cwd=HERE.parent, check=True)
    screen_pictures(str(binary))


if __name__ == "__main__":
    main()
