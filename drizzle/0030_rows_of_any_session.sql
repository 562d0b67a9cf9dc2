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
--> statement-breakpoint
-- Without a backslash, which the session of a writer with standard_conforming_strings = off would take away: it could not write a
-- run that failed with a status of HTTP.
CREATE OR REPLACE FUNCTION webhooks_enqueue() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (sync_log_status(OLD) <> 'running' OR sync_log_status(NEW) = 'running') THEN
    RETURN NULL;
  END IF;
  PERFORM webhook_enqueue(NEW.organization_id, happened.event, NEW.id::integer, webhook_body(happened.event, NEW),
    substring(NEW.error_details from '[(]HTTP ([1-5][0-9]{2})[)]')::integer)
  FROM (
    SELECT 'sync.' || sync_log_status(NEW) AS event
    UNION ALL
    SELECT 'sync.held' WHERE sync_log_status(NEW) = 'completed' AND sync_log_missing_held(NEW) > 0
  ) AS happened
  WHERE EXISTS (SELECT FROM webhook_endpoints WHERE organization_id = NEW.organization_id OR organization_id IS NULL);
  RETURN NULL;
END
$$;
