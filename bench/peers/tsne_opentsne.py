"""openTSNE on the rows of a file, as its documentation advises. Usage: tsne_opentsne.py DATA.npy bh|fft MAP.npy"""
import sys

import numpy as np
import openTSNE

from common import Phases, report

data, gradient, out = sys.argv[1:4]
z = np.load(data)
phases = Phases()
affinities = openTSNE.affinity.PerplexityBasedNN(z, perplexity=30, n_jobs=2, random_state=0)
phases.end("affinities")
start = openTSNE.initialization.pca(z, random_state=0)
embedding = openTSNE.TSNEEmbedding(start, affinities, n_jobs=2, negative_gradient_method=gradient)
embedding.optimize(250, exaggeration=12, inplace=True)
embedding.optimize(500, inplace=True)
phases.end("optimisation")
np.save(out, np.asarray(embedding, dtype="float32"))
report(phases, version=openTSNE.__version__, kl_divergence=float(embedding.kl_divergence), threads=2)
