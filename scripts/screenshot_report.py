"""Opens a report in headless Chromium as a phone, a desktop and a printer would show it, and writes a picture of each.

    python scripts/screenshot_report.py REPORT.html [FOLDER]

Writes phone.png, desktop.png, dark.png and print.pdf into FOLDER (default: beside the report). Exits with 1 if the page logs an
error to the console. Needs chromium (apt-get install chromium) or chrome on the PATH.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VIEWS = {"phone": (390, 2.0, ()), "desktop": (1280, 1.0, ()), "dark": (1280, 1.0, ("--blink-settings=preferredColorScheme=0",))}
HEIGHT = 12000  # pixels; a taller page is cut
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def browser() -> str | None:
    """The path of a Chromium, if there is one."""
    return next((found for found in map(shutil.which, NAMES) if found), None)


def chromium(page: Path, *flags: str) -> tuple[str, list[str]]:
    """Opens `page` with `flags`; returns what came out on stdout, and the errors that the console logged."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            str(browser()), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--hide-scrollbars", "--enable-logging=stderr", f"--user-data-dir={profile}", *flags, page.resolve().as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, re.findall(r"CONSOLE.*", done.stderr)


def shoot(page: Path, folder: Path) -> list[str]:
    """Writes the pictures; returns the errors that the console logged."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)  # Chromium writes into no new one, and says nothing
    errors = []
    for name, (width, scale, flags) in VIEWS.items():
        picture = folder / f"{name}.png"
        size = (f"--window-size={width},{HEIGHT}", f"--force-device-scale-factor={scale}")
        errors += chromium(page, f"--screenshot={picture}", *size, *flags)[1]
        print(picture)
    printed = folder / "print.pdf"
    errors += chromium(page, f"--print-to-pdf={printed}", "--no-pdf-header-footer")[1]
    print(printed)
    return errors


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    if browser() is None:
        raise SystemExit("there is no chromium on the PATH: apt-get install chromium")
    report = Path(sys.argv[1])
    logged = shoot(report, Path(sys.argv[2]) if len(sys.argv) > 2 else report.parent)
    raise SystemExit("\n".join(logged) or 0)
