"""A picture of numbers as a PNG inside a figure: colours from the score scale, and how sure it is as opacity."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from core.drawing.palette import SCORE_SCALE

Pixels = NDArray[np.uint8]


def shaded(shares: NDArray[np.floating], opacity: NDArray[np.floating]) -> Pixels:
    """(h, w, 4) of shares (h, w) of the way along the score scale and opacities (h, w), both from 0 to 1."""
    stops = np.array([[int(shade[i : i + 2], 16) for i in (1, 3, 5)] for shade in SCORE_SCALE], dtype=np.float64)
    at = np.linspace(0, 1, len(stops))
    channels = [np.interp(shares, at, stops[:, channel]) for channel in range(3)]
    pixels = np.stack([*channels, 255 * np.clip(opacity, 0.0, 1.0)], axis=-1)
    return np.asarray(np.rint(pixels), dtype=np.uint8)


def png(pixels: Pixels) -> str:
    """A data URI of pixels (h, w, 4), the first row at the top (PNG, ISO/IEC 15948: 8 bits a channel with alpha)."""
    height, width, _ = pixels.shape
    # Every line begins with the number of its filter, 0: none.
    lines = np.concatenate([np.zeros((height, 1), dtype=np.uint8), pixels.reshape(height, -1)], axis=1)
    parts = [
        (b"IHDR", struct.pack(">2I5B", width, height, 8, 6, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines.tobytes(), 6)),
        (b"IEND", b""),
    ]
    chunks = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    ]
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode()
