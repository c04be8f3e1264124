"""The `deepeyes` program: `python -m deepeyes`, and the console script."""

import sys

from deepeyes import _native


def main() -> int:
    """Runs the program with this process's arguments, and gives its exit code."""
    return _native.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
