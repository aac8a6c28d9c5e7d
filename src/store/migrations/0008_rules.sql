-- The rules in force, checked: what a rule stays at while its text is broken.
CREATE TABLE rules (
    id        TEXT PRIMARY KEY,
    version   TEXT NOT NULL,
    file      TEXT NOT NULL,
    rule      TEXT NOT NULL,                 -- JSON
    is_broken INTEGER NOT NULL,              -- its text is broken now, and this is how it was before
    seen_at   INTEGER NOT NULL               -- when it came to be as it is
) STRICT;

-- The event with which they came into force, if that was a reload.
CREATE TABLE rules_in_force (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    event    TEXT NOT NULL
) STRICT;
