ALTER TABLE amps_link ADD COLUMN key_refused_since INTEGER;  -- Amps turns a key away that has worked; null while it does not
