-- How far the clock of the machine was set in all, in microseconds; and how often the program was started.
CREATE TABLE clock (
    only_row   INTEGER PRIMARY KEY CHECK (only_row = 1),
    set_by     INTEGER NOT NULL,
    lives      INTEGER NOT NULL
) STRICT;
INSERT INTO clock (only_row, set_by, lives) VALUES (1, 0, 0);
CREATE INDEX events_clock_set ON events (seq) WHERE kind = 'clock_set';

-- Durations are counted from these: what the clock showed, less how far it had been set by then. So they stay
-- true when it is set again. From here on, `commands.sent_at` is such a moment, too.
ALTER TABLE runs ADD COLUMN began_at INTEGER;       -- null in rows from before: started_at
ALTER TABLE commands ADD COLUMN began_at INTEGER;   -- the same: created_at
ALTER TABLE commands ADD COLUMN over_at INTEGER;    -- the same: updated_at, of what is over
ALTER TABLE commands ADD COLUMN life INTEGER;       -- in which life of the program it was given

-- Whether the end of a lease is a time of the day, which the clock is to show.
ALTER TABLE leases ADD COLUMN by_clock INTEGER NOT NULL DEFAULT 0;
