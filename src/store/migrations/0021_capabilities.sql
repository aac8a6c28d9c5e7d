-- What each device said last of what it takes: a row is written only when it says something else.
CREATE TABLE device_capabilities (
    device_id    TEXT PRIMARY KEY,
    capabilities TEXT NOT NULL,
    since        INTEGER NOT NULL   -- when it said so for the first time
) STRICT;
