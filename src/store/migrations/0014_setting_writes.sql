-- Settings of devices that rules write: another outbox.
CREATE TABLE setting_writes (
    seq        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    run        TEXT NOT NULL,
    device_id  TEXT NOT NULL,
    setting    TEXT NOT NULL,
    write      TEXT NOT NULL,             -- JSON
    stage      TEXT NOT NULL,             -- JSON: write, or read until the device shows it
    state      TEXT NOT NULL,             -- waiting, under_way, over, dropped
    attempts   INTEGER NOT NULL,
    due_at     INTEGER,                   -- null while a request is under way and when it is over
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    reason     TEXT                       -- what went wrong last
) STRICT;
CREATE INDEX setting_writes_open ON setting_writes (device_id, setting, seq) WHERE state IN ('waiting', 'under_way');
CREATE INDEX setting_writes_due ON setting_writes (due_at) WHERE due_at IS NOT NULL;
