-- Since when nobody wants an order any more; null while somebody does. It is not pushed anew, whatever comes of it.
ALTER TABLE commands ADD COLUMN unwanted_at INTEGER;
UPDATE commands SET unwanted_at = cancel_at WHERE cancel_at IS NOT NULL;
-- When an order is given up that still stands in line behind others of ours; null where it never stood there.
ALTER TABLE commands ADD COLUMN turn_by INTEGER;
UPDATE commands SET turn_by = created_at + 86400000000 WHERE is_open = 1 AND state = 'queued';
CREATE INDEX commands_turn ON commands (turn_by) WHERE is_open = 1 AND turn_by IS NOT NULL;
