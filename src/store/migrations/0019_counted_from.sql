-- A rule that was let go on keeps its row: the breaker counts its runs from then on.
ALTER TABLE paused_rules ADD COLUMN is_over INTEGER NOT NULL DEFAULT 0;  -- it was let go on since
ALTER TABLE paused_rules ADD COLUMN counted_from INTEGER;                -- steady, as `runs.began_at`; null until then
