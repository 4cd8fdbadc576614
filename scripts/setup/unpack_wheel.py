"""Unpacks from a TensorFlow wheel what the binding is compiled against and linked with: two libraries and, of ten thousand
headers, those that the C API's own headers lead to. Prints one line of JSON.

usage: unpack_wheel.py WHEEL LIBRARY_FOLDER INCLUDE_FOLDER
"""
import json
import os
import re
import shutil
import sys
import zipfile

LIBRARIES = ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2")
ROOT = "tensorflow/include/"
HEADERS = (
    "tensorflow/c/c_api.h",
    "tensorflow/c/eager/c_api.h",
    "tensorflow/c/tf_datatype.h",
    "tensorflow/c/tf_status.h",
    "tensorflow/c/tf_tensor.h",
    "tensorflow/core/platform/ctstring_internal.h",
)
LARGEST_FILE = 4 << 30
INCLUDE = re.compile(rb'^\s*#\s*include\s*["<]([\w./-]+)[">]', re.MULTILINE)


def main(wheel, library_folder, include_folder):
    with zipfile.ZipFile(wheel) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        wanted = [(entries.get("tensorflow/" + name), os.path.join(library_folder, name)) for name in LIBRARIES]
        absent = [name for name, (entry, _) in zip(LIBRARIES, wanted) if entry is None]
        if absent:
            sys.exit("the wheel holds no " + " and no ".join(absent))
        for name in reachable(archive, entries):
            wanted.append((entries[ROOT + name], os.path.join(include_folder, name)))

        needed = sum(entry.file_size for entry, _ in wanted)
        if any(entry.file_size > LARGEST_FILE for entry, _ in wanted):
            sys.exit("the wheel holds a file larger than any TensorFlow library")
        os.makedirs(library_folder, exist_ok=True)
        if shutil.disk_usage(library_folder).free < needed + (64 << 20):
            sys.exit("the disk has no room for %d MB" % (needed >> 20))
        for entry, target in wanted:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with archive.open(entry) as source, open(target, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            if os.path.getsize(target) != entry.file_size:
                sys.exit(entry.filename + " came out short")

        metadata = next(name for name in entries if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        lines = archive.read(metadata).decode("utf-8").splitlines()
    print(
        json.dumps(
            {
                "version": next(line[9:] for line in lines if line.startswith("Version: ")),
                "cudaRequirements": [
                    line[15:].split(";")[0].strip()
                    for line in lines
                    if line.startswith("Requires-Dist: ") and re.search(r"extra == ['\"]and-cuda['\"]", line)
                ],
                "bytes": needed,
            }
        )
    )


def reachable(archive, entries):
    """Names, below include/, of HEADERS and of every header they lead to; "..", drives and absolute paths cannot match."""
    found, waiting = set(), list(HEADERS)
    while waiting:
        name = waiting.pop()
        if name in found or ROOT + name not in entries or ".." in name.split("/"):
            continue
        found.add(name)
        waiting.extend(match.decode() for match in INCLUDE.findall(archive.read(ROOT + name)))
    return sorted(found)


if __name__ == "__main__":
    main(*sys.argv[1:])
