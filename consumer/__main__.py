"""`python -m consumer` is `session-reports`."""

from consumer.cli.app import main

if __name__ == "__main__":
    main()
