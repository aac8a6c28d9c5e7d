-- Everything that came in, once. Moments are microseconds since 1970, UTC.
CREATE TABLE events (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,     -- a webhook's delivery id: it takes effect once while it is kept
    source      TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    payload     TEXT,                     -- JSON; null for what could not be read
    body        BLOB,                     -- a webhook's bytes as they came
    action_id   TEXT,                     -- of a report
    counts_as   TEXT UNIQUE,              -- action and result: one report of each takes effect
    state       TEXT NOT NULL,            -- done, repeat, dead
    reason      TEXT                      -- of a dead letter
) STRICT;
CREATE INDEX events_of_action ON events (action_id) WHERE action_id IS NOT NULL;
CREATE INDEX events_dead ON events (seq) WHERE state = 'dead';

-- Orders to devices: the outbox, and what became of them.
CREATE TABLE commands (
    seq        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    device_id  TEXT NOT NULL,
    run        TEXT NOT NULL,
    command    TEXT NOT NULL,             -- JSON
    lifecycle  TEXT NOT NULL,             -- JSON; the three below are read off it
    state      TEXT NOT NULL,
    action_id  TEXT,
    due_at     INTEGER,                   -- when something must be done about it; null while a push is under way and when over
    attempts   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    sent_at    INTEGER,                   -- when the last push left
    updated_at INTEGER NOT NULL,
    is_open    INTEGER NOT NULL           -- 0 when over
) STRICT;
CREATE INDEX commands_open ON commands (device_id, seq) WHERE is_open = 1;
CREATE INDEX commands_due ON commands (state, due_at) WHERE is_open = 1;

-- The story of each command, a row a step. Knows every action that was ever ours.
CREATE TABLE command_steps (
    seq        INTEGER PRIMARY KEY,
    command_id TEXT NOT NULL,
    at         INTEGER NOT NULL,
    state      TEXT NOT NULL,
    detail     TEXT NOT NULL,
    action_id  TEXT
) STRICT;
CREATE INDEX command_steps_of ON command_steps (command_id, seq);
CREATE UNIQUE INDEX command_steps_action ON command_steps (action_id) WHERE action_id IS NOT NULL;

-- Messages to people: the other outbox.
CREATE TABLE notifications (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    notification TEXT NOT NULL,           -- JSON
    state        TEXT NOT NULL,           -- queued, sent, dead
    attempts     INTEGER NOT NULL,
    due_at       INTEGER,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    reason       TEXT
) STRICT;
CREATE INDEX notifications_due ON notifications (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX notifications_dead ON notifications (seq) WHERE state = 'dead';

CREATE TABLE runs (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    rule        TEXT NOT NULL,
    version     TEXT NOT NULL,
    cause       TEXT NOT NULL,            -- the event that started it
    position    INTEGER NOT NULL,
    waiting_for TEXT,                     -- a command
    state       TEXT NOT NULL,            -- running, completed, failed
    reason      TEXT,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER
) STRICT;
CREATE INDEX runs_running ON runs (seq) WHERE state = 'running';

-- The programs that runs began with.
CREATE TABLE programs (
    version TEXT PRIMARY KEY,
    program TEXT NOT NULL                 -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE traces (
    seq       INTEGER PRIMARY KEY,
    event_id  TEXT NOT NULL,
    rule      TEXT NOT NULL,
    run       TEXT,
    at        INTEGER NOT NULL,
    verdict   TEXT NOT NULL,
    trace     TEXT NOT NULL               -- JSON
) STRICT;
CREATE INDEX traces_of_event ON traces (event_id);
CREATE INDEX traces_of_run ON traces (run) WHERE run IS NOT NULL;

-- The last known value of each attribute.
CREATE TABLE readings (
    device_id TEXT NOT NULL,
    attribute TEXT NOT NULL,
    reading   TEXT NOT NULL,              -- JSON
    PRIMARY KEY (device_id, attribute)
) STRICT, WITHOUT ROWID;
