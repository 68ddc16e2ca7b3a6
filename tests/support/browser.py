"""Headless Chromium for tests, driven through Selenium."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.support.lacking import skip_or_fail

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing that would look for a network: the page under test is on loopback.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_S = 60.0


@dataclass
class Browser:
    """One window."""

    driver: webdriver.Chrome

    def open(self, url: str) -> None:
        """Go to a page."""
        self.driver.get(url)

    def text(self) -> str:
        """What the page says now."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def links(self) -> list[str]:
        """Where the page leads to."""
        anchors = self.driver.find_elements(By.TAG_NAME, "a")
        return [address for anchor in anchors if (address := anchor.get_attribute("href"))]

    def wait_for_text(self, wanted: str, seconds: float = WAIT_S) -> None:
        """Return once the page shows the text.

        Raises:
            AssertionError: it does not; holds the address and what the page says instead.
        """
        deadline = time.monotonic() + seconds
        while wanted.lower() not in self.text().lower():
            if time.monotonic() > deadline:
                address = self.driver.current_url
                raise AssertionError(f"{wanted!r} is not on {address}, which says:\n{self.text()}")
            time.sleep(0.3)

    def save_screenshot(self, path: Path) -> None:
        """Write what the window shows as a PNG."""
        self.driver.save_screenshot(str(path))


@contextmanager
def open_browser(width: int = 1800, height: int = 1000) -> Iterator[Browser]:
    """Start a browser with a profile of its own; ends with the block."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        skip_or_fail("No Chromium with its driver: run tests/setup_browser.sh.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = program
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        service = webdriver.ChromeService(executable_path=driver)
        window = webdriver.Chrome(options=options, service=service)
        try:
            window.set_page_load_timeout(WAIT_S)
            yield Browser(window)
        finally:
            window.quit()
