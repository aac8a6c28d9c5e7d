-- Whether a rule paused it: then a rule may let it go on.
ALTER TABLE paused_rules ADD COLUMN by_rule INTEGER NOT NULL DEFAULT 0;
UPDATE paused_rules SET by_rule = 1 WHERE reason LIKE 'the rule `%` paused it';
