-- The layers' maps. In files that were begun before there were maps these tables are missing until a writer opens them.

-- One row a stored step; retention goes by `ordinal`, which counts them.
CREATE TABLE IF NOT EXISTS maps (step INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL);

-- `kind` is input or filter. `properties` (JSON): method, iterations, settled; of an input map also planned_iterations,
-- preservation, scale_sizes, filters, level; of a filter map also step (its window's last iteration), all_zero.
CREATE TABLE IF NOT EXISTS layer_maps (
    step INTEGER NOT NULL,
    layer INTEGER NOT NULL,
    kind TEXT NOT NULL,
    properties TEXT NOT NULL,
    PRIMARY KEY (step, layer, kind)
) WITHOUT ROWID;

-- Of an input map: places <f4 [n, 2], inputs <i8 [n], splits |u1 [n] (0: training, 1: validation), positions <u4 [n],
-- labels <i4 [n], predictions <i4 [n], counts <u4 [n], max_activations <f4 [n], activations |u1 [n, F] (255: the filter's
-- scale), scales <f4 [F]. Of a filter map: places <f4 [n, 2], filters <u4 [n], links <u4 [m, 2], similarities <f4 [m].
CREATE TABLE IF NOT EXISTS map_arrays (
    step INTEGER NOT NULL,
    layer INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    dtype TEXT NOT NULL,
    shape TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS map_arrays_place ON map_arrays (step, layer, kind, name);

-- The inputs of the probe, whose pixels stay whatever else goes.
CREATE TABLE IF NOT EXISTS probe_inputs (input INTEGER PRIMARY KEY);
