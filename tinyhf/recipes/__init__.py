"""Recipes · What to do with the library, from data to result."""
