-- The clock of the database may jump back: what was written while it was ahead counts for nothing.
CREATE OR REPLACE FUNCTION reserve_requests(key text, wanted integer, per_minute integer, window_ms integer)
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
  -- Read after the lock: its last holder has reserved until now, so what is later was reserved by another clock.
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
