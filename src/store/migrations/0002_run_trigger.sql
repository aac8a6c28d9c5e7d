-- What the trigger of a run saw, for the texts of later steps.
ALTER TABLE runs ADD COLUMN trigger_fields TEXT;    -- JSON; null for runs that began before
