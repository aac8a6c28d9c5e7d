-- What rules ask of hosts over HTTP: another outbox.
CREATE TABLE http_requests (
    seq        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    run        TEXT NOT NULL,
    request    TEXT NOT NULL,             -- JSON; secrets by their names alone
    state      TEXT NOT NULL,             -- queued, sending, answered, failed, dropped
    attempts   INTEGER NOT NULL,
    due_at     INTEGER,                   -- null while it is under way and when it is over
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    reason     TEXT                       -- why the last attempt failed
) STRICT;
CREATE INDEX http_requests_due ON http_requests (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX http_requests_sending ON http_requests (seq) WHERE state = 'sending';
