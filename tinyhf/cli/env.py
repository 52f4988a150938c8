"""Floor 8 · ``tinyhf env``: what a report of a problem should say about the computer."""

import importlib
import os
import platform
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

import tinyhf
from tinyhf.backend import free_memory, human_size, parse_device
from tinyhf.backend.arrays import LIBRARIES
from tinyhf.errors import DeviceError, MissingExtraError

EXAMPLES = """examples:
  tinyhf env
"""

NEEDED = ("safetensors", "tokenizers", "huggingface_hub", "ml_dtypes", "jinja2", "rich")
#: Never imported: their versions matter when results are compared.
COMPARED_WITH = ("torch", "transformers")


def add_options(command):
    """There are none."""


def command(args):
    """Show versions and settings, to be pasted into a report; it tells no secrets."""
    facts = {**versions(), **computer(), **hub()}
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:{width}}  {value}")


def versions():
    """tinyhf, Python, and the packages that numbers or files depend on."""
    numpy = importlib.import_module(LIBRARIES["cpu"])
    blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "tinyhf": tinyhf.__version__,
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "numpy": f"{numpy.__version__}, BLAS: {blas['name']} {blas.get('version', '')}".rstrip(),
        **{name: version(name) for name in NEEDED},
        "cupy": cupy_version(),
        **{name: version(name) for name in COMPARED_WITH},
    }


def version(package):
    """The installed version, found without an import."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def cupy_version():
    """Its package is named after the version of CUDA."""
    for package in ("cupy-cuda12x", "cupy-cuda13x", "cupy"):
        if version(package) != "not installed":
            return f"{version(package)} ({package})"
    return "not installed: pip install 'tinyhf[cuda12]'"


def computer():
    """System, cores, memory, and the GPU."""
    free = free_memory("cpu")
    return {
        "platform": platform.platform(),
        "cores": f"{os.cpu_count()} ({platform.machine()})",
        "memory": "unknown" if free is None else f"{human_size(free)} free",
        "GPU": gpu(),
    }


def gpu():
    """The first GPU that CuPy sees, or why there is none."""
    try:
        device = parse_device("cuda")
    except (DeviceError, MissingExtraError) as error:
        return f"not found: {error.problem}"
    runtime = importlib.import_module(LIBRARIES["cuda"]).cuda.runtime
    properties = runtime.getDeviceProperties(0)
    total = human_size(properties["totalGlobalMem"])
    return f"{properties['name'].decode()}, {human_size(free_memory(device))} of {total} free"


def hub():
    """Where files come from and go to; of a token only whether there is one."""
    from huggingface_hub import constants, get_token

    endpoint = os.environ.get("HF_ENDPOINT")
    cache = constants.HF_HUB_CACHE.replace(str(Path.home()), "~", 1)
    return {
        "cache folder": cache,
        "HF_ENDPOINT": urlsplit(endpoint).hostname if endpoint else "not set",
        "HF_HUB_OFFLINE": os.environ.get("HF_HUB_OFFLINE", "not set"),
        "token": "set" if get_token() else "not set",
    }
