-- One statement that changes many rows of sync_logs takes the head of each stream once, not once a row. The versions that one
-- transaction leaves of the same row are searched again by each change of it: 8,000 deletions took 60 s.
--
-- Streams are taken in the order of organizations, so that two such statements never wait for each other.

-- Numbers the changed rows of a statement. In an array, because a function cannot be given a transition table.
CREATE FUNCTION sync_events_append_rows(logs sync_logs[], created boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH changed AS (
    SELECT log.organization_id, log.id AS log_id, log.started_at, sync_log_status(log) AS status, sync_log_row(log) AS log_row
    FROM unnest(logs) AS log
  ), counted AS (
    SELECT organization_id, count(*) AS changes FROM changed GROUP BY organization_id
  ), advanced AS (
    -- The row lock lasts until commit: seq has no gaps and is the order of commits. A sequence could promise neither.
    INSERT INTO sync_streams AS stream (organization_id, head)
    SELECT organization_id, changes FROM counted ORDER BY organization_id
    ON CONFLICT (organization_id) DO UPDATE SET head = stream.head + excluded.head
    RETURNING organization_id, head
  ), numbered AS (
    SELECT changed.*, head - changes + row_number() OVER (PARTITION BY organization_id ORDER BY started_at, log_id) AS seq
    FROM changed JOIN counted USING (organization_id) JOIN advanced USING (organization_id)
  )
  INSERT INTO sync_events (organization_id, seq, at, type, created, sync_log_id, row, row_seq)
  -- clock_timestamp(), read under the lock, grows with seq; now() would be the start of the transaction.
  SELECT organization_id, seq, clock_timestamp(),
    CASE WHEN status <> 'running' THEN status WHEN sync_events_append_rows.created THEN 'started' ELSE 'progress' END,
    sync_events_append_rows.created, log_id, log_row, seq
  FROM numbered ORDER BY organization_id, seq;

  -- Our servers nudge after their commit, many changes at once; only another program's change is announced from here.
  IF current_setting('patient_sync.nudges', true) IS DISTINCT FROM 'own' THEN
    PERFORM pg_notify('patient_sync', 'e:' || organization_id)
    FROM (SELECT DISTINCT organization_id FROM unnest(logs)) AS changed;
  END IF;
END
$$;
--> statement-breakpoint
-- SECURITY DEFINER, here and below: a program that may write sync_logs needs no right on the log itself.
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
  -- A row with another id, or of another organization: where it was it is gone.
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
DROP TRIGGER sync_logs_append_event ON sync_logs;
--> statement-breakpoint
DROP FUNCTION sync_logs_append_event();
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
-- Rows of sync_logs that were written with triggers bypassed (session_replication_role = replica, a restore with
-- --disable-triggers) have no event. A server that finds them gives the organization's clients a snapshot. Several servers
-- find them at once: the first that holds the stream's head writes, the others see a later head.
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
