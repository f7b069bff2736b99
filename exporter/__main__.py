"""Lets `python -m exporter` do what `livepeer-exporter` does."""

from exporter.cli import main

if __name__ == "__main__":
    main()
