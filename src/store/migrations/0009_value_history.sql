-- What values were before, of those that a rule asks the past of (`for:` on a condition).
CREATE TABLE value_history (
    subject TEXT PRIMARY KEY,                       -- JSON: a device with an attribute, or an input
    history TEXT NOT NULL                           -- JSON
) STRICT, WITHOUT ROWID;
