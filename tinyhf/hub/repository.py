"""Repository → local file: from the cache, or by download into it.

Downloading, resuming and the cache itself are huggingface_hub's, with its variables HF_ENDPOINT
(a mirror), HF_HOME (the cache), HF_HUB_OFFLINE. Mirrors `cached_files` of
transformers/utils/hub.py.
"""

from pathlib import Path

from huggingface_hub import constants, hf_hub_download, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, HTTPError, LocalEntryNotFoundError

from tinyhf.errors import HubError, note_once
from tinyhf.hub.explain import explain
from tinyhf.hub.record import Lookup

# What the client raises; RuntimeError comes from its optional downloader hf_xet.
FAILURES = (OSError, ValueError, RuntimeError, HTTPError)


def find_in_repository(name, path, options):
    """The ``Lookup`` of file ``path`` in the repository ``name``. Raises HubError.

    A commit never changes, so what the cache knows of it needs no question to the hub. A branch
    may have moved: the hub is asked each time, and the cache answers when there is no connection.
    """
    cache = str(Path(options.cache_dir or constants.HF_HUB_CACHE).expanduser().resolve())
    place = {"cache_dir": cache, "revision": options.revision}
    offline = options.local_files_only or constants.HF_HUB_OFFLINE
    if offline and options.force_download:
        fix = "Leave it out, or leave offline mode."
        raise HubError("force_download=True needs the network", where=name, fix=fix)
    try:
        # A path, None, or a marker left by an earlier question: "there is no such file".
        known = try_to_load_from_cache(name, path, **place)
        if known and not options.force_download and (options.pinned or offline):
            file = known
        elif offline:
            raise LocalEntryNotFoundError(path)
        else:
            file = _ask_the_hub(name, path, place, options)
    except LocalEntryNotFoundError as error:
        if not _is_complete_without(name, path, place, error):
            raise explain(error, name, options) from error
        if error.__cause__ is not None:  # nobody asked to be offline
            note_once(str(explain(error, name, options)))
        return Lookup(name, path, None, "not in the cache")
    except EntryNotFoundError:
        return Lookup(name, path, None, "not there")
    except FAILURES as error:
        raise explain(error, name, options) from error

    if not isinstance(file, str):
        return Lookup(name, path, None, "not there")
    is_old = file == known and not options.force_download
    return Lookup(name, path, file, "cache" if is_old else "download")


def _ask_the_hub(name, path, place, options):
    return hf_hub_download(
        name,
        path,
        **place,
        force_download=options.force_download,
        token=options.token,
        user_agent=options.user_agent,
        library_name="tinyhf",
    )


def _is_complete_without(name, path, place, error):
    """Whether the cached copy of this revision may stand for the repository, without ``path``.

    It may when the hub cannot be reached, but not when it answered with a refusal, nor when the
    cache knows from an earlier listing that the file does exist.
    """
    answer = getattr(error.__cause__, "response", None)
    if answer is not None and answer.status_code < 500:
        return False
    try:
        snapshot_download(name, allow_patterns=[path], local_files_only=True, **place)
    except LocalEntryNotFoundError:
        return False
    return True
