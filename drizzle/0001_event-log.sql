-- The event log: every change of sync_logs, whoever makes it, becomes one numbered event in the same transaction.

-- Which history a seq belongs to. A restore or a failover begins another one: another cluster has another system
-- identifier, a promoted or recovered one another timeline, a dump that was loaded again another table.
CREATE FUNCTION sync_epoch() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT substr(md5(concat_ws('/',
    (SELECT system_identifier FROM pg_control_system()),
    left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    'public.sync_events'::regclass::oid)), 1, 12)
$$;
--> statement-breakpoint
-- The three documented words. Another program's word reads as running until its row has an end.
CREATE FUNCTION sync_log_status(log sync_logs) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN log.status IN ('running', 'completed', 'failed') THEN log.status
    WHEN log.completed_at IS NULL THEN 'running'
    WHEN log.error_details IS NULL THEN 'completed'
    ELSE 'failed'
  END
$$;
--> statement-breakpoint
-- The row as events and polls render it.
CREATE FUNCTION sync_log_row(log sync_logs) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT to_jsonb(log) || jsonb_build_object('status', sync_log_status(log))
$$;
--> statement-breakpoint
CREATE FUNCTION sync_events_append(
  organization integer, event_type text, created boolean, log_id integer, log_row jsonb, log_seq bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  next_seq bigint;
BEGIN
  -- The row lock lasts until commit: seq has no gaps and is the order of commits. A sequence could promise neither.
  INSERT INTO sync_streams AS stream (organization_id, head) VALUES (organization, 1)
  ON CONFLICT (organization_id) DO UPDATE SET head = stream.head + 1
  RETURNING head INTO next_seq;

  -- clock_timestamp(), read under that lock, grows with seq; now() would be the start of the transaction.
  INSERT INTO sync_events (organization_id, seq, at, type, created, sync_log_id, row, row_seq)
  VALUES (organization, next_seq, clock_timestamp(), event_type, created, log_id, log_row, coalesce(log_seq, next_seq));

  -- Our servers nudge after their commit, many changes at once; only a stranger's change is announced from here.
  IF current_setting('patient_sync.nudges', true) IS DISTINCT FROM 'own' THEN
    PERFORM pg_notify('patient_sync', 'e:' || organization);
  END IF;
END
$$;
--> statement-breakpoint
-- After a delete clients need what is the latest run now. An organization without runs gets a snapshot of nothing.
CREATE FUNCTION sync_events_append_removal(organization integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  latest sync_logs;
BEGIN
  SELECT * INTO latest FROM sync_logs WHERE organization_id = organization
  ORDER BY started_at DESC, id DESC LIMIT 1;
  IF latest.id IS NULL THEN
    PERFORM sync_events_append(organization, 'snapshot', false, NULL, NULL, NULL);
  ELSE
    -- 0 stands for a change that is older than the history.
    PERFORM sync_events_append(organization, 'snapshot', false, latest.id, sync_log_row(latest),
      coalesce((SELECT max(seq) FROM sync_events
        WHERE sync_log_id = latest.id AND organization_id = organization AND type <> 'snapshot'), 0));
  END IF;
END
$$;
--> statement-breakpoint
-- SECURITY DEFINER: a program that may write sync_logs needs no right on the log itself.
CREATE FUNCTION sync_logs_append_event() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'DELETE'
    OR (TG_OP = 'UPDATE' AND (NEW.id, NEW.organization_id) IS DISTINCT FROM (OLD.id, OLD.organization_id)) THEN
    PERFORM sync_events_append_removal(OLD.organization_id);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM sync_events_append(NEW.organization_id,
      CASE
        WHEN sync_log_status(NEW) <> 'running' THEN sync_log_status(NEW)
        WHEN TG_OP = 'INSERT' THEN 'started'
        ELSE 'progress'
      END,
      TG_OP = 'INSERT', NEW.id, sync_log_row(NEW), NULL);
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER sync_logs_append_event AFTER INSERT OR UPDATE OR DELETE ON sync_logs
FOR EACH ROW EXECUTE FUNCTION sync_logs_append_event();
--> statement-breakpoint
CREATE FUNCTION sync_logs_append_truncation() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  -- In the order of organizations, as everywhere, so that two transactions never wait for each other.
  PERFORM sync_events_append_removal(organization_id)
  FROM (SELECT organization_id FROM sync_streams ORDER BY organization_id) AS streams;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER sync_logs_append_truncation AFTER TRUNCATE ON sync_logs
FOR EACH STATEMENT EXECUTE FUNCTION sync_logs_append_truncation();
--> statement-breakpoint
-- A day without a partition of its own lands here: better than refusing another program's write.
CREATE TABLE sync_events_other PARTITION OF sync_events DEFAULT;
--> statement-breakpoint
-- Creates the partitions of today and the next days, and drops those that retention has passed.
CREATE FUNCTION sync_events_maintain(retention_days integer, days_ahead integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  today date := (now() AT TIME ZONE 'utc')::date;
  day date;
  partition regclass;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('patient-sync event partitions'));
  FOR day IN SELECT today + n FROM generate_series(0, days_ahead) AS n LOOP
    CONTINUE WHEN to_regclass('sync_events_' || to_char(day, 'YYYYMMDD')) IS NOT NULL;
    BEGIN
      EXECUTE format('CREATE TABLE %I PARTITION OF sync_events FOR VALUES FROM (%L) TO (%L)',
        'sync_events_' || to_char(day, 'YYYYMMDD'),
        day::timestamp AT TIME ZONE 'utc', (day + 1)::timestamp AT TIME ZONE 'utc');
    EXCEPTION WHEN check_violation THEN
      NULL; -- Events of that day are in the default partition already, and stay there.
    END;
  END LOOP;
  FOR partition IN
    SELECT inhrelid::regclass FROM pg_inherits
    WHERE inhparent = 'sync_events'::regclass AND inhrelid::regclass::text ~ '^sync_events_[0-9]{8}$'
      AND to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') < today - retention_days
  LOOP
    EXECUTE format('DROP TABLE %s', partition);
  END LOOP;
  DELETE FROM sync_events_other WHERE at < (today - retention_days)::timestamp AT TIME ZONE 'utc';
END
$$;
--> statement-breakpoint
SELECT sync_events_maintain(14, 7);
--> statement-breakpoint
-- A batch updates these rows again and again: room on the page keeps such updates off the indexes.
ALTER TABLE sync_streams SET (fillfactor = 50);
--> statement-breakpoint
ALTER TABLE sync_runs SET (fillfactor = 50);
--> statement-breakpoint
-- A patient of 2 to 3 kB stays in the row as it is. Compressing each one took a third of an upsert's time, and saved 40 %
-- of the space.
ALTER TABLE patients SET (toast_tuple_target = 8160);
--> statement-breakpoint
-- Takes up to `wanted` requests out of a key's sliding window. The row lock makes servers take turns.
CREATE FUNCTION reserve_requests(key text, wanted integer, per_minute integer, window_ms integer)
RETURNS TABLE (granted integer, remaining integer, paused_ms double precision, frees_in_ms double precision)
LANGUAGE plpgsql AS $$
DECLARE
  budget request_budgets;
  oldest timestamptz;
  used integer;
  moment timestamptz;
BEGIN
  -- A reservation that a crash of the database forgets costs at most a minute's limit, and every request a flush less.
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO request_budgets (key_hash) VALUES (key) ON CONFLICT DO NOTHING;
  SELECT * INTO budget FROM request_budgets WHERE key_hash = key FOR UPDATE;
  -- Read after the lock: whoever held it has reserved until now.
  moment := clock_timestamp();
  DELETE FROM request_reservations
  WHERE key_hash = key AND at <= moment - make_interval(secs => window_ms / 1000.0);
  SELECT coalesce(sum(requests), 0), min(at) INTO used, oldest FROM request_reservations WHERE key_hash = key;

  paused_ms := greatest(0, extract(epoch FROM coalesce(budget.paused_until, moment) - moment) * 1000);
  granted := CASE WHEN paused_ms > 0 THEN 0 ELSE greatest(0, least(wanted, per_minute - used)) END;
  IF granted > 0 THEN
    INSERT INTO request_reservations (key_hash, at, requests) VALUES (key, moment, granted);
  END IF;
  remaining := greatest(0, per_minute - used - granted);
  frees_in_ms := extract(epoch FROM coalesce(oldest, moment) - moment) * 1000 + window_ms;
  RETURN NEXT;
END
$$;
