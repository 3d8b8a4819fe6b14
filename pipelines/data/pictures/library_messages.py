"""What the C libraries that decode pictures write to stderr, which no error tells of.

libjpeg fills what is missing with grey, decodes what is broken as noise, and reports both on stderr
alone. libtiff and others write there what they find odd.
"""

import os
import re
import sys
import tempfile

REPORTS = re.compile(rb"(?m)^(?:Corrupt JPEG data: .*|Premature end of JPEG file)\n?")
NOT_DAMAGE = re.compile(r"Corrupt JPEG data: (\d+) extraneous bytes before marker 0xd9")
HARMLESS_BYTES = 16  # some cameras and editors pad a scan

# Lines of TensorFlow's log, and of Python's warnings and tracebacks.
NOT_OF_LIBRARIES = re.compile(
    rb"\d{4}-\d\d-\d\d |[IWEF]\d{4} |[A-Z]+:|\S*\.py:\d+|Traceback|\s|[\w.]*(?:Error|Exception)\b"
)


class LibraryMessages:
    """Collects what libraries write to the process's stderr inside a `with` block.

    `others` has, after it, the messages that are no report of damage by libjpeg. What does not come
    from a library of pictures is passed on.
    """

    def __enter__(self):
        sys.stderr.flush()
        # In memory where that is possible, so that a full disk loses no report.
        memory = os.memfd_create("stderr") if hasattr(os, "memfd_create") else None
        self._messages = open(memory, "w+b") if memory else tempfile.TemporaryFile()
        self._stderr = os.dup(2)
        os.dup2(self._messages.fileno(), 2)
        self._read = 0
        self.others: list[str] = []
        return self

    def __exit__(self, *error):
        sys.stderr.flush()
        os.dup2(self._stderr, 2)
        self._messages.seek(0)
        lines = REPORTS.sub(b"", self._messages.read()).splitlines(keepends=True)
        self._messages.close()
        for line in filter(bytes.strip, lines):
            if NOT_OF_LIBRARIES.match(line):
                os.write(self._stderr, line)
            else:
                self.others.append(line.decode(errors="replace").strip())
        os.close(self._stderr)

    def take_damage(self) -> str | None:
        """libjpeg's first report of damage since the last call."""
        size = os.fstat(self._messages.fileno()).st_size
        new = os.pread(self._messages.fileno(), size - self._read, self._read)
        self._read = size
        reports = (report.decode().strip() for report in REPORTS.findall(new))
        return next((report for report in reports if is_damage(report)), None)


def is_damage(report: str) -> bool:
    """Whether a report of libjpeg means that a part of the picture is wrong."""
    padding = NOT_DAMAGE.fullmatch(report)
    return not padding or int(padding[1]) > HARMLESS_BYTES


def describe_damage(report: str) -> str:
    """A report of libjpeg as a reason for people."""
    return f"damaged JPEG: {report.removeprefix('Corrupt JPEG data: ').lower()}"
