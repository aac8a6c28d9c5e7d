-- When Amps is to be asked to cancel an order that it has planned; null while nobody wants that.
ALTER TABLE commands ADD COLUMN cancel_at INTEGER;
CREATE INDEX commands_cancel ON commands (cancel_at) WHERE cancel_at IS NOT NULL;
