"""What `course train`, `sample` and `bakeoff` know: every model of the lessons as one row of a table.

worlds.py    the data a model is trained and judged on: digits, faces
recipe.py    what a model is to the command line: networks, players, a sampler
vaes.py, gans.py, translation.py, diffusion.py, latent.py    the models themselves
table.py     all of them, by name
run.py       one training: budget, checkpoints, losses in a file
sample.py    samples of a run, into a file
bakeoff.py   all of them on the same data for the same time, scored
"""
