-- A deepeyes run, format version 1. `PRAGMA application_id` is 0x44455945 ("DEYE"), `PRAGMA user_version` the version.
-- Arrays are little-endian, row-major and zstd-compressed (with checksum); `dtype` is NumPy's word, `shape` a JSON list.
-- SQLite has no NaN: a loss that is not a number is NULL.

-- run_id, description (JSON), status (running, finished, stopped), created and heartbeat (Unix seconds), seconds
-- (wall-clock seconds of training), host, rank, parent_run, parent_path.
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE scalars (
    step INTEGER PRIMARY KEY,
    loss REAL,
    train_accuracy REAL,
    seconds REAL,
    observed_seconds REAL
);

CREATE TABLE validations (step INTEGER PRIMARY KEY, accuracy REAL, loss REAL);

-- One row a stored window. `ordinal` counts windows, `full_ordinal` those stored with similarity and sample;
-- retention goes by them.
CREATE TABLE snapshots (step INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, full_ordinal INTEGER);

CREATE TABLE layer_snapshots (
    step INTEGER NOT NULL,
    layer INTEGER NOT NULL,
    from_step INTEGER NOT NULL,
    instances_possible INTEGER NOT NULL,
    instances_sampled INTEGER NOT NULL,
    instances INTEGER NOT NULL,
    invalid INTEGER NOT NULL,
    silent INTEGER NOT NULL,
    filters INTEGER NOT NULL,
    perplexity_mean REAL,
    drift REAL,
    noise REAL,
    trend REAL,
    stable INTEGER NOT NULL,
    stable_since INTEGER,
    effective_filters REAL,
    redundant_groups TEXT NOT NULL,
    findings TEXT NOT NULL,
    separability TEXT,
    PRIMARY KEY (step, layer)
) WITHOUT ROWID;

-- counts <u8 [50], change <f4 [50], max <f4 [F], all_time_max <f4 [F], frequency <f8 [F], sum <f8 [F],
-- label <i4 [F] (-1: none), specificity <f8 [F] (NaN: none), state |u1 [F] (alive, dead, always_on, weakening, unknown),
-- label_strength <f8 [F, labels] (a row of NaN: none), similarity <u2 [F (F - 1) / 2] (65535: 1),
-- sample_activations <f4 [n, F], sample_inputs <i8 [n], sample_positions <u4 [n], sample_labels <i4 [n],
-- sample_predictions <i4 [n], sample_steps <u8 [n], window |u1 (of a rank: what merges with other ranks' windows, in postcard).
CREATE TABLE arrays (
    step INTEGER NOT NULL,
    layer INTEGER NOT NULL,
    name TEXT NOT NULL,
    dtype TEXT NOT NULL,
    shape TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX arrays_place ON arrays (step, layer, name);

-- Pixels [height, width, channels] of the inputs in the stored samples.
CREATE TABLE inputs (
    input INTEGER PRIMARY KEY,
    height INTEGER NOT NULL,
    width INTEGER NOT NULL,
    channels INTEGER NOT NULL,
    pixels BLOB NOT NULL
);
CREATE TABLE snapshot_inputs (input INTEGER NOT NULL, step INTEGER NOT NULL, PRIMARY KEY (input, step)) WITHOUT ROWID;

-- `part` is weights (a safetensors document), state (the producer's, opaque) or analysis (the engine's, opaque); only the
-- newest checkpoint keeps the latter two. `bytes` is the length before compression.
CREATE TABLE checkpoints (step INTEGER NOT NULL, part TEXT NOT NULL, bytes INTEGER NOT NULL, data BLOB NOT NULL);
CREATE UNIQUE INDEX checkpoints_place ON checkpoints (step, part);

-- Where each filter of the parent run went: `new_filter` is NULL for one that was removed.
CREATE TABLE filter_maps (
    layer TEXT NOT NULL,
    old_filter INTEGER NOT NULL,
    new_filter INTEGER,
    PRIMARY KEY (layer, old_filter)
) WITHOUT ROWID;
