-- What a run waits for, beside commands; branches; and how deep it stands in a chain of runs.
ALTER TABLE runs ADD COLUMN wait TEXT;              -- JSON; null for runs that wait for nothing, or began before
ALTER TABLE runs ADD COLUMN wait_until INTEGER;     -- when the time of that is over
ALTER TABLE runs ADD COLUMN parent TEXT;            -- the run of which it is a branch
ALTER TABLE runs ADD COLUMN run_key TEXT;           -- of rules with a run for each value (`per:`)
ALTER TABLE runs ADD COLUMN depth INTEGER NOT NULL DEFAULT 0;

-- What triggers remember: sides of thresholds, facts that have to hold, parts that have come, the next tick.
CREATE TABLE trigger_memory (
    rule       TEXT NOT NULL,
    trigger_no INTEGER NOT NULL,                    -- from 0
    memory     TEXT NOT NULL,                       -- JSON
    due_at     INTEGER,                             -- when time alone makes something of it
    PRIMARY KEY (rule, trigger_no)
) STRICT, WITHOUT ROWID;

-- Rules that are not to run for now.
CREATE TABLE paused_rules (
    rule      TEXT PRIMARY KEY,
    reason    TEXT NOT NULL,
    paused_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
