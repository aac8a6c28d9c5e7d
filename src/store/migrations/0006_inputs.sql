-- The last known value of each input of the home, and what is foretold of it.
CREATE TABLE inputs (
    name    TEXT PRIMARY KEY,
    reading TEXT,                                   -- JSON; null while it has no value
    series  TEXT                                    -- JSON; null for inputs that foretell nothing
) STRICT, WITHOUT ROWID;
