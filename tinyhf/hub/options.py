"""The arguments that every `from_pretrained` hands on to the hub, as one object.

Mirrors the download arguments of transformers/utils/hub.py, with the names of earlier years.
"""

import dataclasses
import os
import re
from pathlib import Path

from tinyhf.errors import note_once

# Still met in articles and older code: accepted, and answered with what to do today.
OUTDATED = {
    "resume_download": "a broken download resumes by itself",
    "proxies": "set the environment variable HTTPS_PROXY instead",
    "mirror": "set the environment variable HF_ENDPOINT to the mirror's address instead",
    "local_dir_use_symlinks": "the cache links files wherever the disk can",
    "trust_remote_code": "code from a repository is never run, tinyhf's own classes are used",
}


@dataclasses.dataclass(frozen=True)
class HubOptions:
    """Where and how to look for the files of one model.

    Args:
        cache_dir: folder of downloaded files; None is the one shared with transformers.
        force_download: download again what the cache already has.
        local_files_only: never use the network; HF_HUB_OFFLINE=1 says so for everything.
        token: an access token, True for the one of `hf auth login`, False for none.
        revision: branch, tag or commit; None is "main".
        subfolder: folder inside the repository or local folder.
        user_agent: text or dict told to the hub with each request.
    """

    cache_dir: str | os.PathLike | None = None
    force_download: bool = False
    local_files_only: bool = False
    token: str | bool | None = dataclasses.field(default=None, repr=False)  # a secret
    revision: str | None = None
    subfolder: str | None = ""
    user_agent: str | dict | None = None

    @classmethod
    def pop_from(cls, arguments):
        """Take the hub's arguments, under their new or old names, out of the dict ``arguments``."""
        _translate_old_names(arguments)
        names = [field.name for field in dataclasses.fields(cls) if field.name in arguments]
        return cls(**{name: arguments.pop(name) for name in names})

    def at_commit_of(self, path):
        """These options pinned to the commit that ``path`` came from; as they are if it has none.

        Index, shards and tokenizer asked for with the config's commit all belong together, and
        what the cache knows of a commit needs no network.
        """
        commit = extract_commit_hash(path)
        return dataclasses.replace(self, revision=commit) if commit else self

    @property
    def pinned(self):
        """Whether the revision is a commit: its files never change."""
        return bool(self.revision and re.fullmatch("[0-9a-f]{40}", self.revision))


def extract_commit_hash(resolved_file, commit_hash=None):
    """``commit_hash`` if given, else the one in `…/snapshots/<commit>/config.json`, else None."""
    if commit_hash is not None or resolved_file is None:
        return commit_hash
    found = re.search("/snapshots/([0-9a-f]{40})/", Path(resolved_file).as_posix())
    return found[1] if found else None


def _translate_old_names(arguments):
    for name in OUTDATED.keys() & arguments.keys():
        if arguments.pop(name):
            note_once(f"{name}= has no effect: {OUTDATED[name]}.")
    for name in ("_from_auto", "_from_pipeline"):  # by these transformers counts its callers
        arguments.pop(name, None)
    token = arguments.pop("use_auth_token", None)
    if token is not None:
        note_once("use_auth_token= is called token= today.")
        if arguments.get("token") is None:
            arguments["token"] = token
    commit = arguments.pop("_commit_hash", None)
    if commit is not None:
        arguments["revision"] = commit
