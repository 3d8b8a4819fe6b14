"""ICC profiles made from numbers, and what they mean by NumPy."""

import struct

import numpy as np

# Columns: red, green and blue as XYZ seen in the light D50, by the specifications.
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
D50 = (0.9642, 1.0, 0.8249)
GAMMA = 563 / 256

COLOURS = np.full((16, 16, 3), 128, np.uint8)
COLOURS[:8, :8], COLOURS[8:, :8], COLOURS[8:, 8:] = (180, 90, 60), (90, 150, 80), (70, 80, 160)


def fixed(*numbers):
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(gamma * 256))


def icc_profile(space, gamma, primaries=(), padding=0):
    """An ICC profile, version 2, of a screen with these primaries or of a grey one."""
    tags = {b"wtpt": b"XYZ \0\0\0\0" + fixed(*D50)}
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + bytes(78)
    tags[b"pad "] = b"text\0\0\0\0" + b"x" * padding + b"\0"
    for name, xyz in zip((b"r", b"g", b"b"), primaries, strict=bool(primaries)):
        tags |= {name + b"XYZ": b"XYZ \0\0\0\0" + fixed(*xyz), name + b"TRC": curve(gamma)}
    if not primaries:
        tags[b"kTRC"] = curve(gamma)
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(
        ">I4xI4s4s4s12x4s", start + len(body), 0x2400000, b"mntr", space, b"XYZ ", b"acsp"
    )
    return header.ljust(68, b"\0") + fixed(*D50).ljust(60, b"\0") + table + body


def to_srgb(pixels, primaries, gamma):
    """Pixels of a screen with these primaries, uint8 [..., 3], as sRGB from 0 to 255."""
    linear = (pixels / 255) ** gamma @ np.array(primaries) @ np.linalg.inv(np.array(SRGB))
    curved = np.where(
        linear < 0.0031308, 12.92 * linear, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055
    )
    return 255 * curved.clip(0, 1)


ADOBE = icc_profile(b"RGB ", GAMMA, ADOBE_RGB)
DARK_GREY = icc_profile(b"GRAY", 1.5)
