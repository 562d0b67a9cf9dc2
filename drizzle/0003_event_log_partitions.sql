-- The partitions of the event log, one per day.

-- Each start closes the tables to other roles (src/database/close.ts). A partition that is created between two starts gets the
-- default privileges of the platform, so the transaction that creates it closes it.
CREATE FUNCTION sync_close_partition(partition regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  other text;
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', partition);
  FOR other IN
    SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
    FROM pg_class, aclexplode(relacl) WHERE oid = partition AND grantee <> relowner
  LOOP
    EXECUTE format('REVOKE ALL ON TABLE %s FROM %s CASCADE', partition, other);
  END LOOP;
END
$$;
--> statement-breakpoint
-- Creates the partitions of today and the next days, and drops those that are older than the retention.
--
-- SECURITY DEFINER: with MIGRATE_DATABASE_URL the servers do not own the table, and this is the only change of it that they may
-- make. Its lock waits for sessions that read the log, such as a backup, and all writers wait behind it. So it waits for at most
-- one second: the partitions of the next days exist already, and the next hour tries again.
CREATE FUNCTION sync_events_maintain(retention_days integer, days_ahead integer) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
  today date := (now() AT TIME ZONE 'utc')::date;
  day date;
  day_name text;
  partition regclass;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('patient-sync event partitions'));
  FOR day IN SELECT today + n FROM generate_series(0, days_ahead) AS n LOOP
    day_name := 'sync_events_' || to_char(day, 'YYYYMMDD');
    CONTINUE WHEN to_regclass(day_name) IS NOT NULL;
    BEGIN
      EXECUTE format('CREATE TABLE %I PARTITION OF sync_events FOR VALUES FROM (%L) TO (%L)',
        day_name, day::timestamp AT TIME ZONE 'utc', (day + 1)::timestamp AT TIME ZONE 'utc');
      PERFORM sync_close_partition(day_name::regclass);
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
