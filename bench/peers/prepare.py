"""Writes the first N training images of MNIST, and their principal components. Usage: prepare.py IDX.gz N IMAGES.npy COMPONENTS.npy"""
import gzip
import sys

import numpy as np
from sklearn.decomposition import PCA

source, n, images, components = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
pixels = np.frombuffer(gzip.open(source).read(), np.uint8, offset=16).reshape(-1, 784)
x = pixels[:n].astype("float32") / 255
np.save(images, x)
np.save(components, PCA(50, random_state=0).fit_transform(x).astype("float32"))
