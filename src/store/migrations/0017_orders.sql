-- Since when nobody wants an order any more; null while somebody does. It is not pushed anew, whatever comes of it.
ALTER TABLE commands ADD COLUMN unwanted_at INTEGER;
UPDATE commands SET unwanted_at = cancel_at WHERE cancel_at IS NOT NULL;
