-- Devices that rules keep beyond the step that ordered them.
CREATE TABLE leases (
    device_id TEXT PRIMARY KEY,
    rule      TEXT NOT NULL,
    run       TEXT NOT NULL,
    until     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When somebody else's order was over, the first after each of ours that was taken.
CREATE TABLE foreign_orders (
    device_id TEXT PRIMARY KEY,
    ended_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The rules of the runs that caused each other and led to this one: a JSON list; null when there are none.
ALTER TABLE runs ADD COLUMN chain TEXT;
