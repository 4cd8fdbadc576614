#!/usr/bin/env python3
"""Makes a safetensors file of a PyTorch checkpoint (.pth, .pt, .ckpt, .bin, .tar), which BlockForge itself never opens.

    pip install torch safetensors numpy
    python3 scripts/convert-checkpoint.py model.pth.tar [model.safetensors] [--weights ema|model]

Pickles can run code when they are read, so the file is opened with weights_only=True: tensors, plain containers, the
settings that trainers keep beside them (argparse.Namespace) and numpy's numbers. What holds a whole Python model is refused,
with the line by which its owner saves it again. What is written are tensors by the names they have; prefixes and heads are
BlockForge's to understand.
"""
import argparse
import collections
import os
import pathlib
import re
import shlex
import sys

EMA = ("state_dict_ema", "model_ema", "ema_state_dict", "model_ema_state_dict", "ema", "ema_model", "averaged_model", "swa_model")
MODEL = ("state_dict", "model", "model_state_dict", "model_state", "net", "network", "weights", "params", "teacher", "student")


class Refused(Exception):
    """A sentence for the user."""


def allow_plain_classes(torch):
    """Classes without code of their own that trainers' checkpoints hold beside the weights."""
    plain = [argparse.Namespace, collections.OrderedDict, collections.defaultdict, dict, list, set, pathlib.PosixPath, pathlib.PurePosixPath]
    try:
        import numpy
        plain += [numpy.ndarray, numpy.dtype, getattr(numpy, "_core", getattr(numpy, "core", None)).multiarray.scalar]
        plain += [(plain[-1], "numpy.core.multiarray.scalar")]
        plain += [type(numpy.dtype(kind)) for kind in ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?")]
    except (ImportError, AttributeError):
        pass
    torch.serialization.add_safe_globals(plain)


def read(path, torch):
    if path.endswith(".safetensors"):
        from safetensors.torch import load_file
        return load_file(path)
    try:
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError:  # Files of before torch 1.6 cannot be mapped.
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise Refused(f"{path}: no such file")
    except IsADirectoryError:
        raise Refused(f"{path}: a folder; name the file in it")
    except Exception as error:  # torch raises UnpicklingError, RuntimeError, EOFError, KeyError, ... for what it refuses.
        names = re.findall(r"(?:GLOBAL|global|Unsupported class|class) ([A-Za-z_][\w.]*\.[\w.]+)", str(error))
        if "TorchScript" in str(error):
            line = "import sys, torch; torch.save(torch.jit.load(sys.argv[1], map_location='cpu').state_dict(), 'state_dict.pth')"
            raise Refused(f'{path}: a TorchScript archive, which is code. Whoever trusts it saves its tensors and converts those:\n  python3 -c "{line}" {shlex.quote(path)}')
        if names:
            line = "import sys, torch; m = torch.load(sys.argv[1], map_location='cpu', weights_only=False); m = m if hasattr(m, 'state_dict') else m.get('model', m.get('state_dict')); torch.save(getattr(m, 'state_dict', lambda: m)(), 'state_dict.pth')"
            raise Refused(
                f"{path}: it holds Python objects of {names[0]}, and reading those runs code. Whoever trusts the file and has that code "
                f"saves it again as tensors, where it was made, and converts state_dict.pth with this script:\n"
                f'  python3 -c "{line}" {shlex.quote(path)}'
            )
        head = open(path, "rb").read(64)
        what = "a web page, not weights" if head.lstrip()[:1] == b"<" else "a Git LFS pointer: run git lfs pull" if head.startswith(b"version https://git-lfs") else f"not a file of torch.save ({str(error).splitlines()[0]})"
        raise Refused(f"{path}: {what}")


def tensors_of(value, torch):
    """A mapping with tensors in it as {name: tensor}, nested ones with dots; None where there are none."""
    if not isinstance(value, dict):
        return None
    flat = {}
    for key, inner in value.items():
        if isinstance(inner, torch.Tensor):
            flat[str(key)] = inner
        elif isinstance(inner, dict):
            flat.update({f"{key}.{name}": tensor for name, tensor in (tensors_of(inner, torch) or {}).items()})
    return flat or None


def candidates(loaded, torch):
    """[(key, 'ema' | 'model', tensors)] of a checkpoint, best first; key None is the file itself."""
    if not isinstance(loaded, dict):
        return []
    direct = {str(k): v for k, v in loaded.items() if isinstance(v, torch.Tensor)}
    if any(v.ndim >= 2 for v in direct.values()):
        return [(None, "model", direct)]
    found = []
    for kind, keys in (("ema", EMA), ("model", MODEL)):
        for key in keys:
            inner = loaded.get(key)
            # Some wrap once more: {'model': {'state_dict': ...}}.
            while isinstance(inner, dict) and not any(isinstance(v, torch.Tensor) for v in inner.values()):
                deeper = [k for k in ("state_dict", "module", "shadow", "model") if isinstance(inner.get(k), dict)]
                if not deeper:
                    break
                inner = inner[deeper[0]]
            tensors = tensors_of(inner, torch)
            if tensors and any(v.ndim >= 2 for v in tensors.values()):
                found.append((key, kind, tensors))
    if not found:
        for key, inner in loaded.items():
            tensors = None if key == "optimizer" else tensors_of(inner, torch)
            if tensors and any(v.ndim >= 2 for v in tensors.values()):
                found.append((str(key), "model", tensors))
    return found


def same(a, b, torch):
    strip = lambda d: {k[len("module."):] if k.startswith("module.") else k: v for k, v in d.items()}
    a, b = strip(a), strip(b)
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def choose(path, found, wanted, torch, say):
    if not found:
        raise Refused(f"{path}: no tensors in it, under {', '.join(MODEL[:4])} or any other name")
    kinds = {kind for _, kind, _ in found}
    if wanted is not None:
        if wanted not in kinds:
            raise Refused(f"{path}: no {wanted} weights in it; it has {', '.join(str(key) for key, _, _ in found)}. Leave --weights out")
        found = [entry for entry in found if entry[1] == wanted]
    elif len(kinds) == 2:
        ema = [entry for entry in found if entry[1] == "ema"]
        model = next(entry for entry in found if entry[1] == "model")
        if not same(ema[0][2], model[2], torch):
            say(f"it holds two sets of weights, {ema[0][0]} and {model[0]}: taken are those of {ema[0][0]}, which trainers evaluate (--weights model takes the other)")
        found = ema
    if len(found) > 1 and not all(same(found[0][2], other[2], torch) for other in found[1:]):
        keys = [str(key) for key, _, _ in found]
        raise Refused(f"{path}: several sets of weights: {', '.join(keys)}. Which one? --key {keys[0]}")
    key, _, tensors = found[0]
    say(f"weights: {'the file itself' if key is None else key}, {len(tensors)} tensors")
    return tensors


def zero_norm_bias(tensors, torch, say):
    added = []
    for name in [n for n in tensors if re.search(r"(?:norm\w*|ln_\d|\bln)\.weight$", n)]:
        bias = name[: -len("weight")] + "bias"
        if bias not in tensors and tensors[name].ndim == 1:
            tensors[bias] = torch.zeros_like(tensors[name])
            added.append(bias)
    say(f"{len(added)} norms had no bias: zeros" if added else "every norm has a bias: nothing added")


def convert(options, say):
    try:
        import torch
        from safetensors.torch import save_file
    except ImportError as error:
        raise Refused(f"{error}. First: pip install torch safetensors numpy")
    if not hasattr(torch.serialization, "add_safe_globals"):
        raise Refused(f"torch {torch.__version__} is too old to open such files safely: pip install 'torch>=2.6'")
    allow_plain_classes(torch)
    loaded = read(options.file, torch)
    if options.key is not None:
        if not isinstance(loaded, dict) or options.key not in loaded:
            raise Refused(f"{options.file}: no {options.key} in it; it has {', '.join(map(str, loaded)) if isinstance(loaded, dict) else type(loaded).__name__}")
        loaded = {"state_dict": loaded[options.key]}
    tensors = choose(options.file, candidates(loaded, torch), options.weights, torch, say)
    kept, left = {}, []
    for name, tensor in tensors.items():
        if tensor.is_sparse or tensor.is_quantized or tensor.is_complex():
            left.append(name)
        else:
            kept[name] = tensor.detach().clone().contiguous()
    if left:
        say(f"left out, as they are sparse, quantised or complex: {', '.join(left[:5])}{' ...' if len(left) > 5 else ''}")
    if options.zero_norm_bias:
        zero_norm_bias(kept, torch, say)
    if isinstance(loaded, dict):
        model = getattr(loaded.get("args"), "model", None) or loaded.get("arch")
        if isinstance(model, str):
            say(f'it says that the model is "{model}": teacher.architecture, if that is a name that BlockForge knows')
    target = options.output or re.sub(r"(\.pth|\.pt|\.ckpt|\.bin|\.tar|\.safetensors)+$", "", options.file) + (".converted.safetensors" if options.file.endswith(".safetensors") else ".safetensors")
    if os.path.abspath(target) == os.path.abspath(options.file):
        raise Refused(f"{target}: that is the file itself; name another")
    if os.path.exists(target) and not options.force:
        raise Refused(f"{target} is already there; --force replaces it, or name another file")
    partial = f"{target}.{os.getpid()}.part"
    try:
        save_file(kept, partial, metadata={"format": "pt"})
        os.replace(partial, target)
    except OSError as error:
        raise Refused(f"{target}: cannot be written ({error.strerror or error})")
    finally:
        if os.path.exists(partial):
            os.remove(partial)
    say(f"written: {target}")
    say(f"next: --set teacher.checkpoint={target}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file")
    parser.add_argument("output", nargs="?", help="default: the same name with .safetensors")
    parser.add_argument("--weights", choices=("ema", "model"), help="of both, which to take; default: ema, as trainers evaluate those")
    parser.add_argument("--key", help="where in the file the weights are, where several or unusual ones are")
    parser.add_argument("--zero-norm-bias", action="store_true", help="LayerNorms without bias get zeros (never for RMSNorms)")
    parser.add_argument("--force", action="store_true", help="replace the output")
    try:
        convert(parser.parse_args(), lambda text: print(text, flush=True))
    except Refused as refusal:
        print(f"convert-checkpoint: {refusal}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
