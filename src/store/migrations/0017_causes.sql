-- `why ID` asks what came of an event, and what a run and its branches ordered.
CREATE INDEX runs_of_cause ON runs (cause) WHERE parent IS NULL;
CREATE INDEX runs_of_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX commands_of_run ON commands (run);
