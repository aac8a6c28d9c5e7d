-- Devices whose last reading failed: a row is written when that begins, ends or has another reason.
CREATE TABLE unread_devices (
    device_id TEXT PRIMARY KEY,
    since     INTEGER NOT NULL,     -- when a reading failed for the first time in a row
    reason    TEXT NOT NULL         -- why the last one did, for people
) STRICT;
