"""The command `ostiary`, also as `python -m ostiary.cli`."""

import sys

NOT_INSTALLED = 2
"""The exit code, as for all that is refused."""


def main() -> None:
    """Run the command line; where a library is not installed, say in a sentence what to install, and exit 2.

    Every installation has this command, and `pip install ostiary` brings the SDK alone: the service and its command
    line stand on the extra `server`.
    """
    try:
        from ostiary.cli.main import app

        app()
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in {"", "ostiary"}:  # a mistake of ours
            raise
        sys.stderr.write(
            f'ostiary: {library} is missing; to run the service: pip install "ostiary[server]"\n'
        )
        sys.exit(NOT_INSTALLED)


if __name__ == "__main__":
    main()
