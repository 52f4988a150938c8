"""Floor 1 · A name becomes a local file.

``cached_file("owner/model", "config.json")`` answers with a path on this computer: in a local
folder, in a model that comes with the package, in the cache, or there by download. Mirrors
transformers/utils/hub.py.

Reading order: files → repository → explain, beside them options, bundled and record.
"""

from tinyhf.hub.bundled import BUNDLED, bundled_folder
from tinyhf.hub.files import cached_file
from tinyhf.hub.options import HubOptions, extract_commit_hash
from tinyhf.hub.record import Lookup, record_lookups

__all__ = [
    "BUNDLED",
    "HubOptions",
    "Lookup",
    "bundled_folder",
    "cached_file",
    "extract_commit_hash",
    "record_lookups",
]
