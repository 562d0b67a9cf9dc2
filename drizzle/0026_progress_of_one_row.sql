-- Most statements change one row of sync_logs: each step of each run does. The statement for many rows sorts and numbers them, which
-- took half of the time of such a step.
--
-- As before: the streams are locked in the order of organizations, so that two such statements do not deadlock. An id may be bigint in a
-- table of the old system.
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
      created, single.id::integer, sync_log_row(single), NULL);
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

  -- Our servers send nudges after their commit; this one is for changes of other programs.
  IF current_setting('patient_sync.nudges', true) IS DISTINCT FROM 'own' THEN
    PERFORM pg_notify('patient_sync', 'e:' || organization_id)
    FROM (SELECT DISTINCT organization_id FROM unnest(logs)) AS changed;
  END IF;
END
$$;
--> statement-breakpoint
-- After a delete clients need the run that is now the latest. An organization without runs gets an empty snapshot.
CREATE OR REPLACE FUNCTION sync_events_append_removal(organization integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  latest sync_logs;
BEGIN
  SELECT * INTO latest FROM sync_logs WHERE organization_id = organization
  ORDER BY started_at DESC, id DESC LIMIT 1;
  IF latest.id IS NULL THEN
    PERFORM sync_events_append(organization, 'snapshot', false, NULL, NULL, NULL);
  ELSE
    -- 0 means that the change is older than the history.
    PERFORM sync_events_append(organization, 'snapshot', false, latest.id::integer, sync_log_row(latest),
      coalesce((SELECT max(seq) FROM sync_events
        WHERE sync_log_id = latest.id AND organization_id = organization AND type <> 'snapshot'), 0));
  END IF;
END
$$;
--> statement-breakpoint
-- The condition of a trigger is planned again for each statement, the text of a function once. So the condition of
-- webhooks_enqueue_end is a comparison, and the function tests whether the run has ended.
--
-- A failure that Cliniko caused names the status of its answer. Of the text, which another program may have written, nothing else is
-- taken.
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
