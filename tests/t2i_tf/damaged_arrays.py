"""Files of NumPy's kinds whose headers are none; each makes NumPy raise another error."""

import struct
import zipfile

HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }"
NO_HEADERS = [
    HEADER[:50] + "(1,",
    HEADER % f"{10**30},",
    HEADER % f"{10**13},",
    "-" * 9_000 + "1",
    "(" * 3_000,
    "{[]: 1}",
    "if 1:\n    x\n  y",
    "",
]


def npy(header):
    """The bytes of an npy file."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(64)


def write_npz(path, header, name="a"):
    """An npz file with one array."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.npy", npy(header))
