"""Lets CPython import modules and packages written in `.async` files.

Takes the folders the import system hands over (the script's own for a top-level name), gives
module specs, never looks outside them. Imported modules are compiled without top-level await.
"""

import importlib.machinery
import importlib.util
import os
import sys


class AsyncFinder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        for folder in sys.path[:1] if path is None else path:
            stem = os.path.join(folder, name.rpartition(".")[2])
            package = os.path.join(stem, "__init__.async")
            if os.path.isfile(package):
                return spec(name, package, [stem])
            if os.path.isfile(stem + ".async"):
                return spec(name, stem + ".async", None)
        return None


def spec(name, file, search):
    loader = importlib.machinery.SourceFileLoader(name, file)
    return importlib.util.spec_from_file_location(
        name, file, loader=loader, submodule_search_locations=search
    )


def install():
    # After builtin and frozen modules, before the path: a sibling hides a library module, as
    # a sibling of CPython's script does.
    position = len(sys.meta_path)
    for index, finder in enumerate(sys.meta_path):
        if getattr(finder, "__name__", "") == "PathFinder":
            position = index
    sys.meta_path.insert(position, AsyncFinder)
