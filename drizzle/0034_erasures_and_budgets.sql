-- Whether a text contains the Cliniko id of an erased patient as a whole number. Other programs write reasons in many forms.
-- `ids` is an object with the ids as its keys: to find one of thousands in an array takes a millisecond. Without `ids` all patients of
-- the organization are erased, and are still in their tables.
CREATE FUNCTION names_patient(words text, organization integer, ids jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT FROM regexp_matches(words, '[0-9]+', 'g') AS found (digits)
    WHERE CASE WHEN ids IS NOT NULL THEN ids ? digits[1]
      ELSE EXISTS (SELECT FROM patients WHERE organization_id = organization AND cliniko_patient_id = digits[1])
        OR EXISTS (SELECT FROM quarantine WHERE organization_id = organization AND record_key = digits[1]) END)
$$;
--> statement-breakpoint
-- `lines` without those that name one of these patients; without `ids` an empty list. Lines of other programs may be objects.
CREATE OR REPLACE FUNCTION without_patient_lines(lines jsonb, ids text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN jsonb_typeof(lines) IS DISTINCT FROM 'array' THEN lines
    WHEN ids IS NULL THEN '[]'
    ELSE coalesce((
      SELECT jsonb_agg(line ORDER BY place)
      FROM jsonb_array_elements(CASE jsonb_typeof(lines) WHEN 'array' THEN lines ELSE '[]' END)
        WITH ORDINALITY AS listed (line, place)
      WHERE NOT EXISTS (
        SELECT FROM regexp_matches(line #>> '{}', '[0-9]+', 'g') AS found (digits) WHERE digits[1] = ANY (ids))), '[]')
  END
$$;
--> statement-breakpoint
-- As before, except that the row of the key is locked also when the deletion of unused budgets removes it at this moment.
CREATE OR REPLACE FUNCTION reserve_requests(key text, wanted integer, per_minute integer, window_ms integer)
RETURNS TABLE (granted integer, remaining integer, paused_ms double precision, frees_in_ms double precision)
LANGUAGE plpgsql AS $$
DECLARE
  budget request_budgets;
  oldest timestamptz;
  used integer;
  moment timestamptz;
BEGIN
  -- A reservation that is lost in a crash of the database costs at most the limit of one minute. A flush would delay every
  -- request.
  PERFORM set_config('synchronous_commit', 'off', true);
  LOOP
    INSERT INTO request_budgets (key_hash) VALUES (key) ON CONFLICT DO NOTHING;
    SELECT * INTO budget FROM request_budgets WHERE key_hash = key FOR UPDATE;
    EXIT WHEN FOUND;
  END LOOP;
  -- Read after the lock: the last reservation was made before this time, so a later one was written by another clock. The clock of
  -- the database may jump back.
  moment := clock_timestamp();
  DELETE FROM request_reservations
  WHERE key_hash = key AND (at <= moment - make_interval(secs => window_ms / 1000.0) OR at > moment);
  SELECT coalesce(sum(requests), 0), min(at) INTO used, oldest FROM request_reservations WHERE key_hash = key;

  -- No pause is longer (LONGEST_PAUSE_MS in src/cliniko/postgres-request-budget.ts).
  IF budget.paused_until > moment + interval '125 seconds' THEN
    budget.paused_until := NULL;
  END IF;
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
--> statement-breakpoint
-- As before, except that the row of another program with the status `cancelled` and no type of its own is that of a cancelled run.
CREATE OR REPLACE FUNCTION webhook_body(event text, log sync_logs) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'type', event,
    'timestamp', to_char(clock_timestamp() AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'data', jsonb_build_object(
      'organization_id', log.organization_id,
      'sync_log_id', log.id,
      'operation_type', CASE WHEN log.operation_type ~ '^[a-z_]{1,50}$' THEN log.operation_type ELSE 'other' END,
      'status', sync_log_status(log),
      'started_at', to_char(log.started_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'completed_at', to_char(log.completed_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'records_processed', coalesce(log.records_processed, 0),
      'records_success', coalesce(log.records_success, 0),
      'records_failed', coalesce(log.records_failed, 0),
      'error_type', CASE
        WHEN log.metadata ->> 'error_type' ~ '^[A-Z_]{1,64}$' THEN log.metadata ->> 'error_type'
        WHEN log.metadata ? 'error_type' THEN NULL
        WHEN lower(btrim(log.status) COLLATE "C") = 'cancelled' THEN 'SYNC_CANCELLED' END,
      'missing_held', sync_log_missing_held(log)))::text
$$;
