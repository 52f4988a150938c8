"""Name → local file: a local folder, a bundled model, or a repository of the hub.

Mirrors `cached_file` of transformers/utils/hub.py.
"""

import os
import posixpath
from pathlib import Path, PureWindowsPath

from tinyhf.errors import ArgumentError, HubError
from tinyhf.hub.bundled import bundled_folder
from tinyhf.hub.options import HubOptions
from tinyhf.hub.record import Lookup, record


def cached_file(path_or_repo_id, filename, options=None, **hub_arguments):
    """Find one file of a model on this computer; download it if it is not there yet.

    A local folder of that name comes first, so that a model just saved is the one loaded; then
    the bundled models, the cache, and the hub.

    Args:
        path_or_repo_id: a folder, the name of a bundled model, or a repository "owner/name".
        filename: the file's path inside it.
        options: a ``HubOptions``; or give its fields as keywords, old names included.

    Returns:
        The path as str, or None when the folder or repository is there without such a file, so
        that the next name can be tried. Without a network the repository is its copy in the cache.

    Raises:
        HubError: for every other reason, saying which, and what to do.
        ArgumentError: a keyword that is none of the hub's.
    """
    options = options or HubOptions.pop_from(hub_arguments)
    if hub_arguments:
        unknown = ", ".join(hub_arguments)
        raise ArgumentError(f"the hub has no argument {unknown}", where="cached_file")
    name, path = str(path_or_repo_id), posixpath.join(options.subfolder or "", filename)
    try:
        _refuse_outside(name, path)
        lookup = _find_in_folder(name, path) or _find_in_repository(name, path, options)
    except HubError as error:
        record(Lookup(name, path, None, str(error)))
        raise
    record(lookup)
    return lookup.result


def _refuse_outside(name, path):
    """A file name may come from a downloaded index: it must stay inside the model's folder."""
    parsed = PureWindowsPath(path)  # this class knows both kinds of slash, and drives
    if parsed.anchor or ".." in parsed.parts:
        raise HubError(
            "the file name leads out of the model's folder",
            where=name,
            wanted="a relative path without '..'",
            got=path,
        )


def _find_in_folder(name, path):
    """The answer of a local folder or a bundled model; None if ``name`` is neither."""
    is_local = os.path.isdir(name)  # Path("") would be the current folder
    folder = Path(name) if is_local else bundled_folder(name)
    if folder is None:
        return None
    if not (folder / path).is_file():
        return Lookup(name, path, None, "not there")
    return Lookup(name, path, str(folder / path), "local folder" if is_local else "bundled")


def _find_in_repository(name, path, options):
    # Imported at the first need: the hub's client takes 0.2 s, and reads HF_* on its import.
    from tinyhf.hub.repository import find_in_repository

    return find_in_repository(name, path, options)
