"""Where the project's figures come from: ``measuring`` runs things, ``modelling`` computes from what was recorded."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
