"""Prints `module name` for the public names of the modules named in the arguments, and
`import name` for the public modules of the library and for what the arguments name inside of them.

For CPython 3.13; where an argument is no module there, it is passed over."""

import importlib
import importlib.util
import sys
import types
import warnings

warnings.simplefilter("ignore")


def public(module):
    if hasattr(module, "__all__"):
        return module.__all__
    # Without a list, what was imported is no name of the module's own.
    return [
        name for name, value in vars(module).items()
        if name[:1] != "_" and not isinstance(value, types.ModuleType)
        and not (hasattr(module, "__file__") and is_foreign(value, module))
    ]


def is_foreign(value, module):
    home = getattr(value, "__module__", module.__name__)
    return callable(value) and home != module.__name__ and home in sys.stdlib_module_names


for name in sorted(sys.stdlib_module_names):
    if name[:1] != "_":
        print("import", name)
for name in sys.argv[1:]:
    try:
        if importlib.util.find_spec(name) is None:
            continue
    except ImportError:
        continue
    if "." in name:
        print("import", name)
    try:
        module = importlib.import_module(name)
    except ImportError:
        continue
    for public_name in public(module):
        print(name, public_name)
