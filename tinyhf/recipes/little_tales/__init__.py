"""Recipe · Little tales: a small world, and stories told in it.

`world` holds the people, places and things as tables, the `plots_*` files what may happen to
them, `stories` tells one story per seed. The bundled model `little-tales` was trained on these.
"""

from tinyhf.recipes.little_tales.stories import corpus, story

__all__ = ["corpus", "story"]
