-- The `id:` of the step that gave an order, read off its JSON; null where the step has none, and of orders from before.
ALTER TABLE commands ADD COLUMN step TEXT AS (command ->> '$.step') VIRTUAL;
