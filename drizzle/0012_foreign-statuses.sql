-- How the statuses of other programs read. Any other word reads as running, and its row ends when it has not changed for
-- 15 minutes. Without a reference to another function or table, so that an index may rest on it.
CREATE FUNCTION sync_status_word(status text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE lower(btrim(status))
    WHEN 'completed' THEN 'completed'
    WHEN 'success' THEN 'completed'
    WHEN 'warning' THEN 'completed'
    WHEN 'skipped' THEN 'completed'
    WHEN 'failed' THEN 'failed'
    WHEN 'timeout' THEN 'failed'
    WHEN 'error' THEN 'failed'
    WHEN 'cancelled' THEN 'failed'
    ELSE 'running'
  END
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION sync_log_status(log sync_logs) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT sync_status_word(log.status)
$$;
--> statement-breakpoint
-- The row as events and polls render it. `word` is the status as it was written.
CREATE OR REPLACE FUNCTION sync_log_row(log sync_logs) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT to_jsonb(log) || jsonb_build_object('status', sync_log_status(log), 'word', lower(btrim(log.status)))
$$;
--> statement-breakpoint
-- The few rows that read as running, for the look at what does not change any more.
CREATE INDEX sync_logs_unended ON sync_logs (id) WHERE sync_status_word(status) = 'running';
