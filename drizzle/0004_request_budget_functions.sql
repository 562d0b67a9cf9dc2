-- Takes up to `wanted` requests out of the sliding window of an API key. The row lock makes servers take turns.
CREATE FUNCTION reserve_requests(key text, wanted integer, per_minute integer, window_ms integer)
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
  INSERT INTO request_budgets (key_hash) VALUES (key) ON CONFLICT DO NOTHING;
  SELECT * INTO budget FROM request_budgets WHERE key_hash = key FOR UPDATE;
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
