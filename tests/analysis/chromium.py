"""A browser for tests, without more than Debian's chromium: messages of its DevTools protocol through two pipes."""

import itertools
import json
import os
import shutil
import signal
import subprocess

import pytest


class Browser:
    """One tab, used for one page after another: every start of a browser takes seconds. Messages are JSON that ends with a zero byte."""

    def __init__(self, folder):
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if program is None:
            pytest.fail("chromium is not installed, and the report cannot be looked at without it: apt-get install chromium")
        to_browser, ours_out = os.pipe()
        ours_in, from_browser = os.pipe()
        kept = [os.dup(to_browser), os.dup(from_browser)]  # above 3 and 4, which the browser uses

        def place():
            kept_high = [os.dup2(one, 10 + at) for at, one in enumerate(kept)]
            os.dup2(kept_high[0], 3)
            os.dup2(kept_high[1], 4)
            for one in (3, 4):
                os.set_inheritable(one, True)
        self.errors = open(folder / "chromium.log", "wb")
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--hide-scrollbars", f"--user-data-dir={folder / 'profile'}", "--remote-debugging-pipe", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors, close_fds=False, preexec_fn=place, start_new_session=True)
        for one in (to_browser, from_browser, *kept):
            os.close(one)
        self.out, self.input = os.fdopen(ours_out, "wb", buffering=0), os.fdopen(ours_in, "rb", buffering=0)
        self.buffer, self.count, self.events, self.session = b"", itertools.count(1), [], None
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self.session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self(f"{domain}.enable")

    def __call__(self, method, **parameters):
        number = next(self.count)
        message = {"id": number, "method": method, "params": parameters, **({"sessionId": self.session} if self.session else {})}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[self.out.write(data):]
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def _next(self):
        while b"\0" not in self.buffer:
            more = self.input.read(1 << 20)
            assert more, "chromium has ended: see chromium.log"
            self.buffer += more
        text, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message

    def open(self, path, width=1200, dark=False, script=True):
        """Loads a page; returns what it said and asked for meanwhile."""
        self("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self("Emulation.setScriptExecutionDisabled", value=not script)
        self.events.clear()
        self("Page.navigate", url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._next()
        return self

    def said(self):
        """Errors, warnings and requests since the page was opened."""
        self("Runtime.evaluate", expression="1")  # what came before is there now
        found = []
        for event in self.events:
            parameters = event["params"]
            if event["method"] == "Runtime.exceptionThrown" or event["method"] == "Runtime.consoleAPICalled":
                found.append(str(parameters))
            elif event["method"] == "Log.entryAdded":
                found.append(parameters["entry"]["text"])
            elif event["method"] == "Network.requestWillBeSent" and parameters.get("type") != "Document" and not parameters["request"]["url"].startswith("data:"):
                found.append("request: " + parameters["request"]["url"])
        return found

    def value(self, expression):
        answer = self("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def close(self):
        try:
            self.session = None
            self("Browser.close")
            self.process.wait(20)
        except (AssertionError, OSError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        for one in (self.out, self.input, self.errors):
            one.close()
