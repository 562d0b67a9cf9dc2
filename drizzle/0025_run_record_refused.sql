-- Makes the statement fail that records a batch, when the lease of the run is lost or its public row is no longer running. The COMMIT
-- that was sent behind the statement then commits nothing.
CREATE FUNCTION run_record_refused() RETURNS integer LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'PSR01', MESSAGE = 'The run is no longer leased by this server, or another program has ended it.';
END
$$;
