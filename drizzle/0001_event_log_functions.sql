-- The event log: each change of sync_logs, by any program, becomes one numbered event in the same transaction.

-- The documented status for the status of any program. An unknown word reads as running; such a row ends when it has not
-- changed for 15 minutes. The function uses no other function or table, so that an index can use it.
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
CREATE FUNCTION sync_log_status(log sync_logs) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT sync_status_word(log.status)
$$;
--> statement-breakpoint
-- The row as events and polls render it. `word` is the status as it was written.
CREATE FUNCTION sync_log_row(log sync_logs) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT to_jsonb(log) || jsonb_build_object('status', sync_log_status(log), 'word', lower(btrim(log.status)))
$$;
--> statement-breakpoint
-- The few rows that read as running, for the search of rows that no longer change.
CREATE INDEX sync_logs_unended ON sync_logs (id) WHERE sync_status_word(status) = 'running';
--> statement-breakpoint
CREATE FUNCTION sync_events_append(
  organization integer, event_type text, created boolean, log_id integer, log_row jsonb, log_seq bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  next_seq bigint;
BEGIN
  -- The row lock lasts until the commit: seq has no gaps and equals the order of commits. A sequence guarantees neither.
  INSERT INTO sync_streams AS stream (organization_id, head) VALUES (organization, 1)
  ON CONFLICT (organization_id) DO UPDATE SET head = stream.head + 1
  RETURNING head INTO next_seq;

  -- clock_timestamp(), read under that lock, grows with seq; now() would be the start of the transaction.
  INSERT INTO sync_events (organization_id, seq, at, type, created, sync_log_id, row, row_seq)
  VALUES (organization, next_seq, clock_timestamp(), event_type, created, log_id, log_row, coalesce(log_seq, next_seq));

  -- Our servers send nudges after their commit, many changes in one; this one is for changes of other programs.
  IF current_setting('patient_sync.nudges', true) IS DISTINCT FROM 'own' THEN
    PERFORM pg_notify('patient_sync', 'e:' || organization);
  END IF;
END
$$;
--> statement-breakpoint
-- After a delete clients need the run that is now the latest. An organization without runs gets an empty snapshot.
CREATE FUNCTION sync_events_append_removal(organization integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  latest sync_logs;
BEGIN
  SELECT * INTO latest FROM sync_logs WHERE organization_id = organization
  ORDER BY started_at DESC, id DESC LIMIT 1;
  IF latest.id IS NULL THEN
    PERFORM sync_events_append(organization, 'snapshot', false, NULL, NULL, NULL);
  ELSE
    -- 0 means that the change is older than the history.
    PERFORM sync_events_append(organization, 'snapshot', false, latest.id, sync_log_row(latest),
      coalesce((SELECT max(seq) FROM sync_events
        WHERE sync_log_id = latest.id AND organization_id = organization AND type <> 'snapshot'), 0));
  END IF;
END
$$;
--> statement-breakpoint
-- Numbers the rows that one statement changed; an array, because a function cannot take a transition table as an argument. A
-- trigger per row searched all versions of a row that the transaction had left: 8,000 deletions took 60 s.
--
-- The streams are locked in the order of organizations, so that two such statements do not deadlock.
CREATE FUNCTION sync_events_append_rows(logs sync_logs[], created boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH changed AS (
    SELECT log.organization_id, log.id AS log_id, log.started_at, sync_log_status(log) AS status, sync_log_row(log) AS log_row
    FROM unnest(logs) AS log
  ), counted AS (
    SELECT organization_id, count(*) AS changes FROM changed GROUP BY organization_id
  ), advanced AS (
    -- As above: the row lock lasts until the commit.
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
-- SECURITY DEFINER, here and below: a program that may write sync_logs needs no right on the event log.
CREATE FUNCTION sync_logs_append_inserted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  logs sync_logs[];
BEGIN
  SELECT array_agg(ROW(inserted.*)::sync_logs) INTO logs FROM inserted_rows AS inserted;
  IF logs IS NOT NULL THEN
    PERFORM sync_events_append_rows(logs, true);
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE FUNCTION sync_logs_append_updated() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  logs sync_logs[];
  left_behind integer[];
BEGIN
  SELECT array_agg(ROW(now.*)::sync_logs) INTO logs
  FROM new_rows AS now LEFT JOIN old_rows AS before ON before.id = now.id AND before.organization_id = now.organization_id
  WHERE before.id IS NULL OR ROW(now.*) IS DISTINCT FROM ROW(before.*);
  -- A row with a new id or organization has left its old organization.
  SELECT array_agg(DISTINCT before.organization_id) INTO left_behind
  FROM old_rows AS before
  WHERE NOT EXISTS (SELECT FROM new_rows AS now WHERE now.id = before.id AND now.organization_id = before.organization_id);

  IF left_behind IS NOT NULL THEN
    PERFORM FROM sync_streams
    WHERE organization_id = ANY (left_behind || ARRAY(SELECT organization_id FROM unnest(logs)))
    ORDER BY organization_id FOR UPDATE;
    PERFORM sync_events_append_removal(organization) FROM unnest(left_behind) AS organization ORDER BY organization;
  END IF;
  IF logs IS NOT NULL THEN
    PERFORM sync_events_append_rows(logs, false);
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- However many rows of an organization one statement deletes, its clients need one snapshot.
CREATE FUNCTION sync_logs_append_deleted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM sync_events_append_removal(organization_id)
  FROM (SELECT DISTINCT organization_id FROM deleted_rows ORDER BY organization_id) AS deleted;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE FUNCTION sync_logs_append_truncation() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM sync_events_append_removal(organization_id)
  FROM (SELECT organization_id FROM sync_streams ORDER BY organization_id) AS streams;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER sync_logs_append_inserted AFTER INSERT ON sync_logs REFERENCING NEW TABLE AS inserted_rows
FOR EACH STATEMENT EXECUTE FUNCTION sync_logs_append_inserted();
--> statement-breakpoint
CREATE TRIGGER sync_logs_append_updated AFTER UPDATE ON sync_logs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION sync_logs_append_updated();
--> statement-breakpoint
CREATE TRIGGER sync_logs_append_deleted AFTER DELETE ON sync_logs REFERENCING OLD TABLE AS deleted_rows
FOR EACH STATEMENT EXECUTE FUNCTION sync_logs_append_deleted();
--> statement-breakpoint
CREATE TRIGGER sync_logs_append_truncation AFTER TRUNCATE ON sync_logs
FOR EACH STATEMENT EXECUTE FUNCTION sync_logs_append_truncation();
--> statement-breakpoint
-- Rows of sync_logs that were written with triggers bypassed (session_replication_role = replica, a restore with
-- --disable-triggers) have no event. A server that finds them calls this function, which appends a snapshot. When several
-- servers find them at once, the first one that locks the head appends it, and the others see a later head.
CREATE FUNCTION sync_streams_resnapshot(organization integer, seen_head bigint) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM FROM sync_streams WHERE organization_id = organization AND head <> seen_head;
  IF FOUND THEN
    RETURN;
  END IF;
  INSERT INTO sync_streams (organization_id, head) VALUES (organization, 0) ON CONFLICT DO NOTHING;
  PERFORM FROM sync_streams WHERE organization_id = organization AND head = seen_head FOR UPDATE;
  IF FOUND THEN
    PERFORM sync_events_append_removal(organization);
  END IF;
END
$$;
