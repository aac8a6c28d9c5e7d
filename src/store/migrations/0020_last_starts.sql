-- When runs began last whose rows are gone: cooldowns may be longer than rows are kept.
CREATE TABLE last_starts (
    seq      INTEGER PRIMARY KEY,
    rule     TEXT NOT NULL,
    run_key  TEXT,                            -- of rules with a run for each value (`per:`)
    began_at INTEGER NOT NULL                 -- steady, as `runs.began_at`
) STRICT;
CREATE UNIQUE INDEX last_starts_of ON last_starts (rule, ifnull(run_key, ''), run_key IS NULL);
