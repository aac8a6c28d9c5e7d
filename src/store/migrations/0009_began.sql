-- When a command was given by the clock as it is now; null while that is when it was created.
-- The clock of the machine may be set while a command is open, and pushes are looked up by their time.
ALTER TABLE commands ADD COLUMN began_at INTEGER;
