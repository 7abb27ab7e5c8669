"""`python -m corpus_tuner.cli`."""

from corpus_tuner.cli import main

if __name__ == "__main__":
    main()
