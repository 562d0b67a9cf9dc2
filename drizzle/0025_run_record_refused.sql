-- Ends a statement that records a batch of a run whose lease is lost or whose public row is no longer running. The COMMIT that was
-- sent behind the statement then commits nothing.
CREATE FUNCTION run_record_refused() RETURNS integer LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'PSR01', MESSAGE = 'The run is no longer leased by this server, or another program has ended it.';
END
$$;
