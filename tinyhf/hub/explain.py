"""What the hub's client raises → one sentence: what is wrong, and what to do about it."""

import errno
import os

from huggingface_hub import constants, scan_cache_dir
from huggingface_hub.errors import (
    CacheNotFound,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tinyhf.errors import HubError

SIGN_IN = "sign in with `hf auth login`, or pass token="


def explain(error, name, options):
    """The ``HubError`` for what the client raised about the repository ``name``."""
    if isinstance(error, (LocalEntryNotFoundError, ValueError)) and error.__cause__ is not None:
        error = error.__cause__  # the client says "not in the cache" and keeps the reason inside
    if isinstance(error, HfHubHTTPError):
        problem, fix = _answer_of_the_hub(error, name, options)
    elif isinstance(error, HTTPError):
        problem = f"the connection to {constants.ENDPOINT} failed: {error}"
        fix = (
            "Check the network (HTTPS_PROXY is heeded), or name a mirror with HF_ENDPOINT;"
            " files downloaded before are used without a network"
        )
    else:
        problem, fix = _trouble_at_home(error, name, options)
    return HubError(problem, where=name, fix=f"{fix}.")


def _answer_of_the_hub(error, name, options):
    """Problem and fix for an answer of the hub, the most special class of error first."""
    page, status = f"{constants.ENDPOINT}/{name}", error.response.status_code
    if isinstance(error, GatedRepoError):
        problem = "the repository is gated, and this account has no access to it yet"
        return problem, f"Request access at {page}, then {SIGN_IN}"
    if isinstance(error, RepositoryNotFoundError):
        problem = f"there is no local folder and no repository of this name at {constants.ENDPOINT}"
        return problem, f"Check the spelling; if the repository is private, {SIGN_IN}"
    if isinstance(error, RevisionNotFoundError):
        problem = f"the repository has no branch, tag or commit {options.revision!r}"
        return problem, f"Choose one of those at {page}"
    if status == 401:
        problem = "the hub does not accept the token"
        return problem, f"Make a new one at {constants.ENDPOINT}/settings/tokens, then {SIGN_IN}"
    if status == 403:
        problem = f"the hub forbids access: {error.server_message or 'no reason given'}"
        return problem, f"See {page}, then {SIGN_IN} of an account with access"
    if status == 429:
        return "too many requests to the hub", f"Wait some minutes, or {SIGN_IN}"
    fix = "Try again later, the fault is there" if status >= 500 else "Check HF_ENDPOINT"
    return f"{constants.ENDPOINT} answers with error {status}", fix


def _trouble_at_home(error, name, options):
    """Problem and fix for what went wrong on this computer."""
    cache = options.cache_dir or constants.HF_HUB_CACHE
    if isinstance(error, HFValidationError):
        problem = "this is neither a local folder nor the name of a repository, 'owner/name'"
        return problem, f"A relative path starts from {os.getcwd()}"
    if isinstance(error, LocalEntryNotFoundError):
        problem = "the file is not in the cache, and offline mode forbids a download"
        fix = "Load it once without local_files_only=True and HF_HUB_OFFLINE"
        cached = _cached_revisions(name, cache)
        return problem, f"{fix}, or choose a cached revision: {cached}" if cached else fix
    if isinstance(error, LocalTokenNotFoundError):
        return "token=True, but nobody is signed in on this computer", f"To do so, {SIGN_IN}"
    if isinstance(error, FileMetadataError):
        problem = f"{constants.ENDPOINT} does not answer as a hub does"
        return problem, "Check HF_ENDPOINT, and whether a proxy or sign-in page is in between"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        problem = f"no space is left for the download in {cache}"
        return problem, "Free some, or choose another disk with HF_HOME or cache_dir="
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        problem = f"{error.filename or cache} cannot be written"
        return problem, "Change its permissions, or choose another with HF_HOME or cache_dir="
    return f"the download failed: {error}", "Try again; force_download=True starts it anew"


def _cached_revisions(name, cache):
    try:
        repositories = scan_cache_dir(cache).repos
    except CacheNotFound:
        return ""
    return ", ".join(
        sorted(ref for repo in repositories if repo.repo_id == name for ref in repo.refs)
    )
