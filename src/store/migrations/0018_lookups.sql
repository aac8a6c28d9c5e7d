-- What else is known of the connection to Amps over a restart.
ALTER TABLE amps_link ADD COLUMN pause_until INTEGER;  -- Amps wants to be left alone until then; may have passed
ALTER TABLE amps_link ADD COLUMN generation TEXT;      -- flat or envelope: how Amps answered last; null until it did
