"""Reads a safetensors file with NumPy alone, so that the peer needs no more than PyTorch."""

import json
import struct

import numpy as np

TYPES = {"F64": np.float64, "F32": np.float32, "I32": np.int32, "U8": np.uint8}


def read_arrays(path: str) -> dict[str, np.ndarray]:
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(data[entry["data_offsets"][0] : entry["data_offsets"][1]], TYPES[entry["dtype"]])
        .reshape(entry["shape"])
        .copy()
        for name, entry in header.items()
    }
