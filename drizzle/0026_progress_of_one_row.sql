-- Nearly every statement changes one row of sync_logs: each step of each run does. The statement for many rows, with its sorts and
-- window, took half of that step's time in the database.
CREATE OR REPLACE FUNCTION sync_events_append_rows(logs sync_logs[], created boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  single sync_logs;
  word text;
BEGIN
  IF cardinality(logs) = 1 THEN
    single := logs[1];
    word := sync_log_status(single);
    PERFORM sync_events_append(single.organization_id,
      CASE WHEN word <> 'running' THEN word WHEN created THEN 'started' ELSE 'progress' END,
      created, single.id, sync_log_row(single), NULL);
    RETURN;
  END IF;

  WITH changed AS (
    SELECT log.organization_id, log.id AS log_id, log.started_at, sync_log_status(log) AS status, sync_log_row(log) AS log_row
    FROM unnest(logs) AS log
  ), counted AS (
    SELECT organization_id, count(*) AS changes FROM changed GROUP BY organization_id
  ), advanced AS (
    -- The row lock lasts until the commit: seq has no gaps and equals the order of commits.
    INSERT INTO sync_streams AS stream (organization_id, head)
    SELECT organization_id, changes FROM counted ORDER BY organization_id
    ON CONFLICT (organization_id) DO UPDATE SET head = stream.head + excluded.head
    RETURNING organization_id, head
  ), numbered AS (
    SELECT changed.*, head - changes + row_number() OVER (PARTITION BY organization_id ORDER BY started_at, log_id) AS seq
    FROM changed JOIN counted USING (organization_id) JOIN advanced USING (organization_id)
  )
  INSERT INTO sync_events (organization_id, seq, at, type, created, sync_log_id, row, row_seq)
  SELECT organization_id, seq, clock_timestamp(),
    CASE WHEN status <> 'running' THEN status WHEN sync_events_append_rows.created THEN 'started' ELSE 'progress' END,
    sync_events_append_rows.created, log_id, log_row, seq
  FROM numbered ORDER BY organization_id, seq;

  IF current_setting('patient_sync.nudges', true) IS DISTINCT FROM 'own' THEN
    PERFORM pg_notify('patient_sync', 'e:' || organization_id)
    FROM (SELECT DISTINCT organization_id FROM unnest(logs)) AS changed;
  END IF;
END
$$;
--> statement-breakpoint
-- The condition of a trigger is planned again for each statement, the text of a function only once.
CREATE OR REPLACE FUNCTION webhooks_enqueue() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (sync_log_status(OLD) <> 'running' OR sync_log_status(NEW) = 'running') THEN
    RETURN NULL;
  END IF;
  PERFORM webhook_enqueue(NEW.organization_id, happened.event, NEW.id::integer, webhook_body(happened.event, NEW),
    substring(NEW.error_details from '\(HTTP ([1-5][0-9]{2})\)')::integer)
  FROM (
    SELECT 'sync.' || sync_log_status(NEW) AS event
    UNION ALL
    SELECT 'sync.held' WHERE sync_log_status(NEW) = 'completed' AND sync_log_missing_held(NEW) > 0
  ) AS happened
  WHERE EXISTS (SELECT FROM webhook_endpoints WHERE organization_id = NEW.organization_id OR organization_id IS NULL);
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE OR REPLACE TRIGGER webhooks_enqueue_end AFTER UPDATE ON sync_logs FOR EACH ROW
WHEN (OLD.status IS DISTINCT FROM NEW.status)
EXECUTE FUNCTION webhooks_enqueue();
