-- What a run carries along: which trigger began it, variables, rounds of loops, the last failure.
ALTER TABLE runs ADD COLUMN memory TEXT;    -- JSON; null for runs that began before

-- What rules remember between runs (`set: {state.NAME: …}`).
CREATE TABLE rule_state (
    rule   TEXT NOT NULL,
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,                   -- JSON
    set_at INTEGER NOT NULL,
    PRIMARY KEY (rule, name)
) STRICT, WITHOUT ROWID;
