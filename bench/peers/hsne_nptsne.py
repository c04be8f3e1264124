"""nptsne's hierarchy of the rows of a file. Usage: hsne_nptsne.py DATA.npy SCALES [--map INDICES_AND_MAP.npz]"""
import os
import sys

import numpy as np
import nptsne

from common import Phases, report

data, scales = sys.argv[1], int(sys.argv[2])
x = np.load(data)
phases = Phases()
hsne = nptsne.HSne(False)
# It tells its progress on stdout, where only the result belongs.
stdout = os.dup(1)
os.dup2(2, 1)
hsne.create_hsne(x, scales)
phases.end("hierarchy")
sizes = [hsne.get_scale(scale).num_points for scale in range(scales)]
if "--map" in sys.argv:
    top = hsne.get_scale(scales - 1)
    embedder = nptsne.hsne_analysis.AnalysisModel(hsne, nptsne.hsne_analysis.EmbedderType.CPU).top_analysis
    for _ in range(1000):
        embedder.do_iteration()
    phases.end("optimisation")
    np.savez(sys.argv[4], indices=np.array(top.landmark_orig_indexes), embedding=np.array(embedder.embedding))
os.dup2(stdout, 1)
report(phases, version="2.0.3", scales=sizes, threads=os.cpu_count())
