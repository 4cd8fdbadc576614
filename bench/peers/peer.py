"""The peer of `npm run bench`: the same work in PyTorch and NumPy, in a process that stays (bench/peers/peer.ts).

    python peer.py THREADS

Says who it is in a line of JSON, then answers one line with one. {"prepare": NAME, "settings": {...}} gets a task ready and gives
it a number, {"run": number, "count": n} does it n times and says how long that took and the numbers the last one came to,
{"forget": true} frees all tasks.
"""

import importlib
import json
import platform
import sys
import time
import traceback

TASKS = ("step", "forward", "evaluation", "fit", "whole")


def say(answer: dict) -> None:
    print(json.dumps(answer), flush=True)


def answer_to(question: dict, tasks: list) -> dict:
    if "forget" in question:
        tasks.clear()
        return {}
    if "prepare" in question:
        if question["prepare"] not in TASKS:
            raise ValueError(f"no task {question['prepare']}")
        tasks.append(importlib.import_module(question["prepare"]).prepare(**question["settings"]))
        return {"task": len(tasks) - 1}
    run = tasks[question["run"]]
    start, busy = time.perf_counter(), time.process_time()
    for _ in range(question["count"]):
        numbers = run()
    wall, processor = time.perf_counter() - start, time.process_time() - busy
    return {"wallSeconds": wall, "processorSeconds": processor, "answer": [float(x) for x in numbers()]}


def main() -> None:
    threads = int(sys.argv[1])
    try:
        import numpy
        import torch
    except ImportError as error:
        say({"error": str(error)})
        return
    torch.set_num_threads(threads)
    versions = f"Python {platform.python_version()}, PyTorch {torch.__version__}, NumPy {numpy.__version__}"
    say({"description": versions, "threads": torch.get_num_threads()})
    tasks: list = []
    for line in sys.stdin:
        try:
            answer = answer_to(json.loads(line), tasks)
        except Exception as error:  # whatever it is, the other side must hear of it
            place = traceback.extract_tb(error.__traceback__)[-1]
            answer = {"error": f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})"}
        say(answer)


if __name__ == "__main__":
    main()
