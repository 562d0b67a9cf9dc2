-- In the collation of a Turkish database `I` becomes a letter without a dot, so FAILED and SKIPPED of another program would read
-- as unknown words.
CREATE OR REPLACE FUNCTION sync_status_word(status text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE lower(btrim(status) COLLATE "C")
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
CREATE OR REPLACE FUNCTION sync_log_row(log sync_logs) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT to_jsonb(log) || jsonb_build_object(
    'status', public.sync_log_status(log), 'word', lower(btrim(log.status) COLLATE "C"))
$$;
--> statement-breakpoint
-- Indexes hold what the function said of the rows that are there.
DO $$
BEGIN
  IF lower('I') <> 'i' THEN
    REINDEX TABLE sync_logs;
  END IF;
END
$$;
