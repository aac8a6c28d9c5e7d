-- For the question why a rule did or did not run, and for the room that each may take.
CREATE INDEX traces_of_rule ON traces (rule, at);

-- Those of what led to no run: they may take less room than the others.
CREATE INDEX traces_no_match ON traces (seq) WHERE run IS NULL;
