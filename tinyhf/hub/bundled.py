"""The models that come inside the package, for a first look without a network."""

from pathlib import Path

BUNDLED = {
    f"tinyhf/{config.parent.name}": config.parent
    for config in sorted((Path(__file__).parents[1] / "bundled").glob("*/config.json"))
}


def bundled_folder(name):
    """The folder of ``"tinyhf/little-tales"``, or just ``"little-tales"``; None if not bundled."""
    return BUNDLED.get(name) or BUNDLED.get(f"tinyhf/{name}")
