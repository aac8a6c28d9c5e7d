-- What is known of the connection to Amps.
CREATE TABLE amps_link (
    only_row     INTEGER PRIMARY KEY CHECK (only_row = 1),
    key_print    TEXT,                       -- a piece of a hash of the key that Amps last answered to
    silent_since INTEGER,                    -- null while Amps answers
    error        TEXT                        -- what went wrong last; null while Amps answers
) STRICT;
