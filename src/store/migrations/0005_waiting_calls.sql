-- Rules that were woken, and of which it is not decided whether they may run.
CREATE TABLE waiting_calls (
    run   TEXT PRIMARY KEY,                         -- the id of the run that begins if it may
    call  TEXT NOT NULL,                            -- JSON
    until INTEGER NOT NULL                          -- then it is decided with what is known
) STRICT, WITHOUT ROWID;
